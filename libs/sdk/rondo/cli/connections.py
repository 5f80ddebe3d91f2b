"""`rondo connections`. Details come from a file or standard input, but never from an argument."""

import json
import sys
from argparse import Namespace
from collections.abc import Callable
from pathlib import Path
from typing import Any

from rondo.cli import output
from rondo.cli.commands import connected, in_workspace

_COLUMNS = ("Name", "Connection Type", "Created At", "Linked Workspaces")


def connections(arguments: Namespace) -> int:
    """`rondo connections`."""
    if arguments.action != "list" and not arguments.name:
        raise ValueError(f"connections {arguments.action}: say which, by its name")
    return _ACTIONS[arguments.action](arguments)


def _list(arguments: Namespace) -> int:
    client = connected(arguments)
    if arguments.workspace:
        items = client.get_workspace(arguments.workspace).list_connections()
    else:
        items = client.list_connections()
    output.show(items, _COLUMNS, arguments)
    return 0


def _create(arguments: Namespace) -> int:
    details = _details(arguments.details_file)
    connection = connected(arguments).create_connection(arguments.name, arguments.type, details)
    output.one(connection, arguments)
    return 0


def _details(file: str) -> dict[str, Any]:
    text = sys.stdin.read() if file == "-" else Path(file).read_text("utf-8")
    try:
        value = json.loads(text)
    except ValueError:  # its message would show the secret
        raise ValueError(f"--details-file: {file} holds no JSON") from None
    if not isinstance(value, dict):
        raise ValueError(f"--details-file: {file} holds no JSON object")
    return value


def _attach(arguments: Namespace) -> int:
    in_workspace(arguments).get_current_workspace().add_connection(arguments.name)
    return 0


def _detach(arguments: Namespace) -> int:
    in_workspace(arguments).get_current_workspace().remove_connection(arguments.name)
    return 0


def _delete(arguments: Namespace) -> int:
    connected(arguments).get_connection(arguments.name).delete_connection()
    return 0


_ACTIONS: dict[str, Callable[[Namespace], int]] = {
    "list": _list,
    "create": _create,
    "attach": _attach,
    "detach": _detach,
    "delete": _delete,
}
ACTIONS = tuple(_ACTIONS)
