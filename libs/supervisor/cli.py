"""The `rondo` command."""

import argparse
import asyncio
import gc
import os
import sys
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

from libs.domain.errors import Rejected, Unavailable
from libs.linux import syscalls
from libs.supervisor.process import StartFailed
from libs.supervisor.services import SERVICES, Service, passed_on
from libs.supervisor.terminal import Terminal
from libs.supervisor.up import Options, up
from libs.supervisor.zygote import start_zygote
from libs.supervisor.zygote_process import Order, become


def main(argv: Sequence[str] | None = None, services: Sequence[Service] = SERVICES) -> int:
    """Run the command; its exit status: 0 after a clean stop, 1 where it couldn't, 2 for usage."""
    arguments = _parser().parse_args(argv)
    terminal = Terminal(sys.stderr)
    syscalls.hide_memory()  # a task may run under our uid, and passwords pass through here
    try:
        _COMMANDS[arguments.command](arguments, services, terminal)
    except (Rejected, StartFailed, Unavailable) as error:
        terminal.warn("rondo", str(error))
        return 1
    return 0


def _up(arguments: argparse.Namespace, services: Sequence[Service], terminal: Terminal) -> None:
    options = Options(
        data=_folder(arguments.data),
        host=arguments.host,
        port=arguments.port,
        ready_file=arguments.ready_file and _folder(arguments.ready_file),
    )
    modules = [service.module for service in services if service.module]
    gc.freeze()  # so that what is forked now shares this memory for good
    zygote = start_zygote(modules, passed_on(os.environ), terminal)
    if isinstance(zygote, Order):  # we are a service that it has forked
        become(zygote)
        return
    with zygote:
        asyncio.run(up(options, services, os.environ, terminal, zygote))


def _backup(arguments: argparse.Namespace, _: Sequence[Service], terminal: Terminal) -> None:
    from libs.supervisor.backup import backup  # brings NATS, which `up` need not wait for

    asyncio.run(backup(_folder(arguments.data), _folder(arguments.to), os.environ, terminal))


def _restore(arguments: argparse.Namespace, _: Sequence[Service], terminal: Terminal) -> None:
    from libs.supervisor.backup import restore  # as above

    asyncio.run(restore(_folder(arguments.source), _folder(arguments.data), os.environ, terminal))


_COMMANDS = {"up": _up, "backup": _backup, "restore": _restore}


def _folder(text: str) -> Path:
    return Path(text).absolute()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="rondo", description="ML workload orchestration")
    parser.add_argument("--version", action="version", version=f"rondo {version('rondo')}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND", dest="command")
    start = commands.add_parser("up", help="run a whole instance on this machine")
    start.add_argument("--data", default=".rondo", metavar="DIR", help="default ./.rondo")
    start.add_argument("--host", default="127.0.0.1", help="to listen on; default 127.0.0.1")
    start.add_argument(
        "--port", type=_port, default=8080, metavar="N", help="default 8080; 0 picks one"
    )
    start.add_argument(
        "--ready-file", metavar="F", help="gets url, user and password as JSON once it serves"
    )
    _add_backup(commands)
    return parser


def _add_backup(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    save = commands.add_parser("backup", help="save an instance, running or not, into a folder")
    save.add_argument("--data", default=".rondo", metavar="DIR", help="default ./.rondo")
    save.add_argument("--to", required=True, metavar="DIR", help="an empty folder, or a new one")
    load = commands.add_parser("restore", help="make an instance of a backup")
    load.add_argument("--from", required=True, dest="source", metavar="DIR", help="the backup")
    load.add_argument("--data", required=True, metavar="DIR", help="an empty folder, or a new one")


def _port(text: str) -> int:
    if not text.isdecimal() or int(text) > 65535:
        raise argparse.ArgumentTypeError("a port is a number from 0 to 65535")
    return int(text)


if __name__ == "__main__":
    sys.exit(main())
