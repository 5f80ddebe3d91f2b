"""The `rondo` command."""

import argparse
import asyncio
import os
import sys
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

from libs.domain.errors import Rejected
from libs.linux import syscalls
from libs.supervisor.process import StartFailed
from libs.supervisor.services import SERVICES, Service
from libs.supervisor.terminal import Terminal
from libs.supervisor.up import Options, up


def main(argv: Sequence[str] | None = None, services: Sequence[Service] = SERVICES) -> int:
    """Run the command; its exit status: 0 after a clean stop, 1 where it couldn't, 2 for usage."""
    arguments = _parser().parse_args(argv)
    terminal = Terminal(sys.stderr)
    syscalls.hide_memory()  # a task may run under our uid, and passwords pass through here
    options = Options(
        data=Path(arguments.data).absolute(),
        host=arguments.host,
        port=arguments.port,
        ready_file=arguments.ready_file and Path(arguments.ready_file).absolute(),
    )
    try:
        asyncio.run(up(options, services, os.environ, terminal))
    except (Rejected, StartFailed) as error:
        terminal.warn("rondo", str(error))
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="rondo", description="ML workload orchestration")
    parser.add_argument("--version", action="version", version=f"rondo {version('rondo')}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    start = commands.add_parser("up", help="run a whole instance on this machine")
    start.add_argument("--data", default=".rondo", metavar="DIR", help="default ./.rondo")
    start.add_argument("--host", default="127.0.0.1", help="to listen on; default 127.0.0.1")
    start.add_argument(
        "--port", type=_port, default=8080, metavar="N", help="default 8080; 0 picks one"
    )
    start.add_argument(
        "--ready-file", metavar="F", help="gets url, user and password as JSON once it serves"
    )
    return parser


def _port(text: str) -> int:
    if not text.isdecimal() or int(text) > 65535:
        raise argparse.ArgumentTypeError("a port is a number from 0 to 65535")
    return int(text)


if __name__ == "__main__":
    sys.exit(main())
