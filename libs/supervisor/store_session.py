"""An instance's stores, for work on its data: those that run, or started for that work alone."""

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

from libs.domain.errors import Rejected
from libs.supervisor.folder import open_folder
from libs.supervisor.guard import Guard
from libs.supervisor.instance import Instance
from libs.supervisor.keys import ensure_secrets
from libs.supervisor.nats import KNOWN
from libs.supervisor.ports import Ports
from libs.supervisor.stores import Stores, choose_stores, embedded_dsn
from libs.supervisor.supervise import Supervisor
from libs.supervisor.terminal import Terminal


@asynccontextmanager
async def open_stores(
    data: Path, operator: Mapping[str, str], terminal: Terminal
) -> AsyncIterator[Stores]:
    """Of the instance on the folder `data`, running or not. Raises Rejected or StartFailed."""
    async with AsyncExitStack() as stack:
        try:
            stores = await stack.enter_async_context(start_stores(data, operator, terminal))
        except Rejected as refusal:
            if refusal.code != "conflict":
                raise
            terminal.say("rondo", "the instance is running: its stores are read as they are")
            stores = _running(data, operator)
        yield stores


@asynccontextmanager
async def start_stores(
    data: Path, operator: Mapping[str, str], terminal: Terminal
) -> AsyncIterator[Stores]:
    """Started, and stopped at the end; Rejected("conflict") where the instance runs."""
    async with open_folder(data) as folder:
        supervisor = Supervisor()
        with Guard(folder.lock) as guard, Ports(data / "ports.json") as ports:
            instance = Instance(folder, ports, operator, terminal, guard)
            ensure_secrets(folder.part("secrets"))
            stores = await choose_stores(instance)
            try:
                await supervisor.start(stores.servers)
                yield stores
            finally:
                await supervisor.stop()


def _running(data: Path, operator: Mapping[str, str]) -> Stores:
    secrets, sockets = data / "secrets", (data / "sockets" / "postgres").resolve()
    nats, token, server = operator.get("RONDO_NATS_URL", ""), None, None
    if not nats:
        port = json.loads((data / "ports.json").read_bytes())["nats"]
        nats, token, server = f"nats://127.0.0.1:{port}", secrets / "nats-token", data / KNOWN
    return Stores(
        nats=nats,
        nats_token=token,
        nats_server=server,
        postgres=operator.get("RONDO_POSTGRES_DSN")
        or embedded_dsn(sockets, secrets / "postgres-passfile"),
        blobs=operator.get("RONDO_BLOBS_URL") or (data / "blobs").as_uri(),
        servers=[],
    )
