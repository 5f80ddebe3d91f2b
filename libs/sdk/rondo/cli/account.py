"""`rondo whoami` and `rondo password`: your own account.

Passwords are typed, or come from standard input, but never from an argument.
"""

import sys
from argparse import Namespace
from getpass import getpass

from rondo.cli import output
from rondo.cli.commands import connected


def whoami(arguments: Namespace) -> int:
    """`rondo whoami`."""
    output.one(connected(arguments).whoami(), arguments)
    return 0


def password(arguments: Namespace) -> int:
    """`rondo password`."""
    current, new = _type_passwords() if sys.stdin.isatty() else _read_passwords()
    output.one(connected(arguments).change_password(current, new), arguments)
    return 0


def _type_passwords() -> tuple[str, str]:
    current, new = getpass("current password: "), getpass("new password: ")
    if getpass("new password, again: ") != new:
        raise ValueError("password: the two are not the same; start again")
    return current, new


def _read_passwords() -> tuple[str, str]:
    lines = sys.stdin.read().splitlines()
    if len(lines) != 2:
        raise ValueError("password: give two lines, the current one and the new one")
    return lines[0], lines[1]
