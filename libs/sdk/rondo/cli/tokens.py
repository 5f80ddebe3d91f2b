"""`rondo tokens`: tokens for programs. A token is shown once, when it is created."""

from argparse import Namespace
from collections.abc import Callable

from rondo.cli import output
from rondo.cli.commands import connected, in_workspace

_COLUMNS = ("ID", "Name", "Workspaces", "Created At", "Expires At", "Revoked At")


def tokens(arguments: Namespace) -> int:
    """`rondo tokens`."""
    if arguments.action != "list" and not arguments.token:
        word = "name it" if arguments.action == "create" else "say which, by its id"
        raise ValueError(f"tokens {arguments.action}: {word}")
    return _ACTIONS[arguments.action](arguments)


def _list(arguments: Namespace) -> int:
    output.show(connected(arguments).list_tokens(), _COLUMNS, arguments)
    return 0


def _create(arguments: Namespace) -> int:
    client = in_workspace(arguments)
    token = client.create_token(arguments.token, [client.get_current_workspace()], arguments.days)
    output.once(token, "secret", token.secret(), arguments)
    return 0


def _revoke(arguments: Namespace) -> int:
    output.one(connected(arguments).revoke_token(arguments.token), arguments)
    return 0


_ACTIONS: dict[str, Callable[[Namespace], int]] = {
    "list": _list,
    "create": _create,
    "revoke": _revoke,
}
ACTIONS = tuple(_ACTIONS)
