"""`rondo users`.

A new password is made up and shown once, or comes from a file, standard input or the terminal, but
never from an argument.
"""

from argparse import Namespace
from collections.abc import Callable

from rondo.cli import output
from rondo.cli.commands import connected
from rondo.cli.login import password_from
from rondo.user import Account

_COLUMNS = ("ID", "Email", "Username", "Enabled", "Admin", "Created At")


def users(arguments: Namespace) -> int:
    """`rondo users`."""
    if arguments.action == "list":
        output.show(connected(arguments).list_users(), _COLUMNS, arguments)
        return 0
    if not arguments.email:
        raise ValueError(f"users {arguments.action}: say who, by email")
    account = _ACTIONS[arguments.action](arguments)
    output.once(account, "password", account.password(), arguments)
    return 0


def _add(arguments: Namespace) -> Account:
    password = _password(arguments)
    return connected(arguments).create_user(arguments.email, password, admin=arguments.admin)


def _reset_password(arguments: Namespace) -> Account:
    password = _password(arguments)
    return connected(arguments).reset_password(arguments.email, password)


def _disable(arguments: Namespace) -> Account:
    return connected(arguments).deactivate_user(arguments.email)


def _enable(arguments: Namespace) -> Account:
    return connected(arguments).activate_user(arguments.email)


def _admin(arguments: Namespace) -> Account:
    return connected(arguments).set_admin(arguments.email, not arguments.revoke)


def _password(arguments: Namespace) -> str | None:
    file = arguments.password_file
    return None if file is None else password_from(file)


_ACTIONS: dict[str, Callable[[Namespace], Account]] = {
    "add": _add,
    "disable": _disable,
    "enable": _enable,
    "reset-password": _reset_password,
    "admin": _admin,
}
ACTIONS = ("list", *_ACTIONS)
