"""The three stores: embedded by default, or the operator's own by URL."""

from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

from libs.supervisor.folder import write_whole
from libs.supervisor.instance import Instance
from libs.supervisor.nats import EmbeddedNats
from libs.supervisor.postgres import Postgres, wheel_binaries
from libs.supervisor.process import Process


@dataclass(frozen=True)
class Stores:
    """Where the stores are, and the servers to start for it. `nats_token` is a file, and so is
    `nats_server`, which says where the embedded one is and which process it is."""

    nats: str = field(repr=False)  # the operator's URLs may hold passwords
    nats_token: Path | None
    nats_server: Path | None
    postgres: str = field(repr=False)
    blobs: str = field(repr=False)
    servers: list[Process]


async def choose_stores(instance: Instance) -> Stores:
    """The operator's store where a variable names one, else an embedded one, made if need be.

    Raises Rejected or StartFailed.
    """
    servers: list[Process] = []
    nats = _external(instance, "nats", "RONDO_NATS_URL")
    embedded = None if nats else _embed_nats(instance, servers)
    postgres = _external(instance, "postgres", "RONDO_POSTGRES_DSN")
    blobs = _external(instance, "blobs", "RONDO_BLOBS_URL")
    return Stores(
        nats=embedded.url if embedded else nats,
        nats_token=embedded.token if embedded else None,
        nats_server=embedded.known if embedded else None,
        postgres=postgres or await _embed_postgres(instance, servers),
        blobs=blobs or instance.folder.part("blobs").as_uri(),
        servers=servers,
    )


def _external(instance: Instance, name: str, variable: str) -> str:
    url = instance.operator.get(variable, "")
    if url:
        instance.terminal.say(name, f"not embedded: {variable} is set")
    return url


def _embed_nats(instance: Instance, servers: list[Process]) -> EmbeddedNats:
    token, issuer = instance.secret("nats-token"), instance.secret("nats-issuer")
    server = EmbeddedNats(instance.folder, instance.ports, token, instance.terminal)
    servers.append(instance.process(server.program(issuer), server.ready))
    return server


async def _embed_postgres(instance: Instance, servers: list[Process]) -> str:
    password = instance.secret("postgres-password")
    binaries = Path(instance.operator.get("RONDO_POSTGRES_BIN") or wheel_binaries())
    server = Postgres(instance.folder, binaries)
    if not server.data.exists():
        instance.terminal.say("postgres", "making the database")
        await server.initialise(password)
    servers.append(instance.process(server.program(), server.ready()))
    passfile = instance.secret("postgres-passfile")  # as libpq and asyncpg read it
    write_whole(passfile, b"*:*:rondo:rondo:" + password.read_bytes() + b"\n")
    return embedded_dsn(server.sockets(), passfile)


def embedded_dsn(sockets: Path, passfile: Path) -> str:
    """Of the server whose socket is in the folder `sockets`."""
    host = quote(str(sockets), safe="")
    return f"postgresql://rondo@{host}/rondo?passfile={quote(str(passfile), safe='')}"
