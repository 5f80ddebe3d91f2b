"""`rondo up`, in the order that it happens: folder, secrets, stores, services; serve; stop."""

import asyncio
import contextlib
import json
import signal
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from libs.supervisor.folder import open_folder, write_whole
from libs.supervisor.guard import Guard
from libs.supervisor.instance import Instance
from libs.supervisor.keys import ensure_secrets
from libs.supervisor.notify import Notifications
from libs.supervisor.ports import Ports
from libs.supervisor.process import Process, Program
from libs.supervisor.services import ADMIN, PUBLIC, Addresses, Service, services_env
from libs.supervisor.sockets import service_socket
from libs.supervisor.stores import Stores, choose_stores
from libs.supervisor.supervise import Supervisor
from libs.supervisor.terminal import Terminal
from libs.supervisor.watchdog import Watchdog, watchdog_seconds
from libs.supervisor.zygote import Zygote

# To listen on for callers from anywhere; and what to call from here then.
_ANYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - only if the operator says so


@dataclass(frozen=True)
class Options:
    """What the operator asked for; `port` 0 is any free one, kept from the first start on."""

    data: Path
    host: str
    port: int
    ready_file: Path | None


async def up(
    options: Options,
    services: Sequence[Service],
    operator: Mapping[str, str],
    terminal: Terminal,
    zygote: Zygote,
) -> None:
    """Serve until SIGINT, SIGTERM or SIGHUP. Raises Rejected or StartFailed where it can't."""
    stop = _stop_signals()
    async with open_folder(options.data) as folder:
        terminal.say("rondo", f"data folder {folder.path}")
        with Guard(folder.lock) as guard, Ports(folder.path / "ports.json") as ports:
            instance = Instance(folder, ports, operator, terminal, guard, zygote)
            await _serve_until(stop, instance, options, services)
    terminal.say("rondo", "stopped")


async def _serve_until(
    stop: asyncio.Future[None],
    instance: Instance,
    options: Options,
    services: Sequence[Service],
) -> None:
    supervisor = Supervisor()
    serving = asyncio.create_task(_serve(instance, options, services, supervisor))
    try:
        await asyncio.wait({serving, stop}, return_when="FIRST_COMPLETED")
        if serving.done():
            serving.result()  # it ends by itself only where it fails
    finally:
        instance.terminal.say("rondo", "stopping")
        instance.ports.close()  # callers that come now are refused, not left waiting
        serving.cancel()
        await asyncio.wait({serving})
        await supervisor.stop()


async def _serve(
    instance: Instance, options: Options, services: Sequence[Service], supervisor: Supervisor
) -> None:
    """Bring everything up, say so, and stay until cancelled."""
    with (
        _ready_file(options.ready_file) as announce,
        _notifications(instance.terminal) as notifications,
    ):
        made = ensure_secrets(instance.folder.part("secrets"))
        addresses = _addresses(instance, options, services)
        stores = await choose_stores(instance)
        await supervisor.start(stores.servers)
        inner: list[Process] = []
        outer: list[Process] = []
        for service in services:
            process = _process(service, instance, stores, addresses, notifications)
            (outer if service.name == PUBLIC else inner).append(process)
        await supervisor.start(inner, outer)  # side by side; stopped PUBLIC first
        if instance.zygote:
            instance.zygote.end()  # its memory is worth more than a quick second start
        announce(_access(instance, addresses))
        _greet(instance, addresses, first="admin-password" in made)
        processes = [*stores.servers, *inner, *outer]
        seconds = watchdog_seconds(instance.operator)
        await Watchdog(processes, notifications, instance.terminal, seconds).run()


def _notifications(terminal: Terminal) -> Notifications:
    """What services want people to know is said beside their readiness."""
    return Notifications(lambda text: terminal.warn("rondo", text))


def _process(
    service: Service,
    instance: Instance,
    stores: Stores,
    addresses: Addresses,
    notifications: Notifications,
) -> Process:
    environment = services_env(service, instance, stores, addresses, notifications.address)
    program = Program(
        name=service.name,
        command=service.command,
        folder=instance.folder.part(service.name),
        log=instance.folder.part("log") / f"{service.name}.log",
        environment=environment,
        module=service.module,
        listeners=addresses.public_sockets if service.name == PUBLIC else (),
    )
    return instance.process(program, notifications.ready)


def _addresses(instance: Instance, options: Options, services: Sequence[Service]) -> Addresses:
    """Others can't be reached but by us; the public one is listened to from now on, by ourselves,
    so that nobody can take its place while it is being started again."""
    listen = {
        service.name: f"unix:{service_socket(instance.folder, service.name)}"
        for service in services
        if service.name != PUBLIC
    }
    sockets = instance.ports.listen(PUBLIC, options.host, options.port)
    port = int(sockets[0].getsockname()[1])
    listen[PUBLIC] = _at(options.host, port)
    called = _at(_ANYWHERE.get(options.host, options.host), port)
    public = instance.operator.get("RONDO_PUBLIC_URL") or f"http://{called}"
    return Addresses(public, listen, sockets)


def _at(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _access(instance: Instance, addresses: Addresses) -> dict[str, str]:
    """What one needs to log in."""
    return {
        "url": addresses.public,
        "user": instance.operator.get("RONDO_ADMIN_EMAIL") or ADMIN,
        "password": instance.secret("admin-password").read_text(),
    }


def _greet(instance: Instance, addresses: Addresses, *, first: bool) -> None:
    """Say that it is up. The password is shown once, and to a terminal only: never to a log."""
    access = _access(instance, addresses)
    shown = access["password"] + ", kept in" if first and instance.terminal.interactive else "in"
    instance.terminal.announce(
        f"Rondo is ready at {access['url']}\n"
        f"  user      {access['user']}\n"
        f"  password  {shown} {instance.secret('admin-password')}"
    )


@contextlib.contextmanager
def _ready_file(path: Path | None) -> Iterator[Callable[[dict[str, str]], None]]:
    """Gives the function that writes `path`; it isn't there before that, nor afterwards."""
    if path is None:
        yield lambda _: None
        return
    path.unlink(missing_ok=True)
    try:
        yield lambda access: write_whole(path, json.dumps(access).encode())
    finally:
        path.unlink(missing_ok=True)


def _stop_signals() -> asyncio.Future[None]:
    """Done once we are asked to stop."""
    loop = asyncio.get_running_loop()
    asked: asyncio.Future[None] = loop.create_future()

    def ask() -> None:
        if not asked.done():
            asked.set_result(None)

    for sig in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(sig, ask)
    return asked
