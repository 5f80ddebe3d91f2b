"""The three stores: embedded by default, or the operator's own by URL."""

from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

from libs.supervisor.folder import write_whole
from libs.supervisor.instance import Instance
from libs.supervisor.nats import nats_program, nats_ready
from libs.supervisor.postgres import Postgres, wheel_binaries
from libs.supervisor.process import Process


@dataclass(frozen=True)
class Stores:
    """Where the stores are, and the servers to start for it. `nats_token` is a file."""

    nats: str = field(repr=False)  # the operator's URLs may hold passwords
    nats_token: Path | None
    postgres: str = field(repr=False)
    blobs: str = field(repr=False)
    servers: list[Process]


async def choose_stores(instance: Instance) -> Stores:
    """The operator's store where a variable names one, else an embedded one, made if need be.

    Raises Rejected or StartFailed.
    """
    servers: list[Process] = []
    nats, token = _external(instance, "nats", "RONDO_NATS_URL"), None
    if not nats:
        nats, token = _embed_nats(instance, servers)
    postgres = _external(instance, "postgres", "RONDO_POSTGRES_DSN")
    blobs = _external(instance, "blobs", "RONDO_BLOBS_URL")
    return Stores(
        nats=nats,
        nats_token=token,
        postgres=postgres or await _embed_postgres(instance, servers),
        blobs=blobs or instance.folder.part("blobs").as_uri(),
        servers=servers,
    )


def _external(instance: Instance, name: str, variable: str) -> str:
    url = instance.operator.get(variable, "")
    if url:
        instance.terminal.say(name, f"not embedded: {variable} is set")
    return url


def _embed_nats(instance: Instance, servers: list[Process]) -> tuple[str, Path]:
    port, token = instance.ports.pick("nats"), instance.secret("nats-token")
    program = nats_program(instance.folder, port, token, instance.secret("nats-issuer"))
    servers.append(instance.process(program, nats_ready(port)))
    return f"nats://127.0.0.1:{port}", token


async def _embed_postgres(instance: Instance, servers: list[Process]) -> str:
    port, password = instance.ports.pick("postgres"), instance.secret("postgres-password")
    binaries = Path(instance.operator.get("RONDO_POSTGRES_BIN") or wheel_binaries())
    server = Postgres(instance.folder, binaries, port)
    if not server.data.exists():
        instance.terminal.say("postgres", "making the database")
        await server.initialise(password)
    servers.append(instance.process(server.program(), server.ready()))
    passfile = instance.secret("postgres-passfile")  # as libpq and asyncpg read it
    write_whole(passfile, b"*:*:rondo:rondo:" + password.read_bytes() + b"\n")
    return f"postgresql://rondo@127.0.0.1:{port}/rondo?passfile={quote(str(passfile), safe='')}"
