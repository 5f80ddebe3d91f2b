"""`rondo whoami` and `rondo password`: one's own account. Passwords are typed, or come from
standard input; never by argument."""

import sys
from argparse import Namespace
from getpass import getpass

from rondo.cli import output
from rondo.cli.commands import connected


def whoami(arguments: Namespace) -> int:
    output.one(connected(arguments).whoami(), arguments)
    return 0


def password(arguments: Namespace) -> int:
    current, new = _typed() if sys.stdin.isatty() else _read()
    output.one(connected(arguments).change_password(current, new), arguments)
    return 0


def _typed() -> tuple[str, str]:
    current, new = getpass("current password: "), getpass("new password: ")
    if getpass("new password, again: ") != new:
        raise ValueError("password: the two are not the same; start again")
    return current, new


def _read() -> tuple[str, str]:
    lines = sys.stdin.read().splitlines()
    if len(lines) != 2:
        raise ValueError("password: give two lines, the current one and the new one")
    return lines[0], lines[1]
