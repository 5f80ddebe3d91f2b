"""The stores, and the api alone on them: for what is measured without runs that go on."""

import asyncio
import os
import socket
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import aiohttp

from examples.demo import sign_in
from libs.eventlog import nats_client, streams
from libs.vault.ring import new_line
from tests.api.service import ADMIN, INTERNAL, PASSWORD, new_key
from tests.servers import TOKEN, free_port, nats_server, postgres_server


@dataclass(frozen=True)
class Stores:
    """Where they are; `nats` is a connection, `nats_pid` and `postgres_pid` their processes."""

    nats_url: str
    dsn: str
    nats: nats_client.Nats
    nats_pid: int


@asynccontextmanager
async def stores() -> AsyncIterator[Stores]:
    with nats_server() as server, postgres_server() as database:
        dsn = await database.new_database("bench")
        async with nats_client.connect(server.url, TOKEN) as nats:
            await streams.create(nats)
            assert server.process is not None
            yield Stores(server.url, dsn, nats, server.process.pid)


@asynccontextmanager
async def api(stores: Stores) -> AsyncIterator[aiohttp.ClientSession]:
    """The api as a process of its own; a session that an administrator is signed in to."""
    with tempfile.TemporaryDirectory(prefix="rondo-bench-", dir="/var/tmp") as name:
        folder, port = Path(name), free_port()
        url = f"http://127.0.0.1:{port}"
        environment = _environment(folder, stores, port) | {"NOTIFY_SOCKET": f"{name}/notify"}
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as told:
            told.bind(environment["NOTIFY_SOCKET"])
            told.setblocking(False)
            process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "services.api", env=environment
            )
            try:
                async with asyncio.timeout(600):
                    await asyncio.get_running_loop().sock_recv(told, 64)
                async with aiohttp.ClientSession(url) as session:
                    await sign_in(session, ADMIN, PASSWORD)
                    yield session
            finally:
                process.terminate()
                await process.wait()


def _environment(folder: Path, stores: Stores, port: int) -> dict[str, str]:
    secrets = {
        "nats_token": TOKEN,
        "signing_key": new_key(),
        "internal_token": INTERNAL,
        "admin_password": PASSWORD,
        "task_key": new_key(),
        "vault_key": new_line(),
    }
    for name, secret in secrets.items():
        (folder / name).write_text(secret)
    return {
        "PATH": os.defpath,
        "RONDO_NATS_URL": stores.nats_url,
        "RONDO_POSTGRES_DSN": stores.dsn,
        "RONDO_LISTEN": f"127.0.0.1:{port}",
        "RONDO_PUBLIC_URL": f"http://127.0.0.1:{port}",
        "RONDO_LOGS_URL": "http://127.0.0.1:9",
        "RONDO_BLOBS_URL": (folder / "blobs").as_uri(),
        "RONDO_DATA": str(folder / "data"),
        "RONDO_ADMIN_EMAIL": ADMIN,
        **{f"RONDO_{name.upper()}_FILE": str(folder / name) for name in secrets},
    }
