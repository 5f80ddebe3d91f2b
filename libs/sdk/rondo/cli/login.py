"""`rondo login` and `rondo logout`.

The password comes from the terminal, a file or standard input, but never from an argument; or a
person types it in a browser. The file that `rondo up` writes has address and login.
"""

import json
import sys
from argparse import Namespace
from getpass import getpass
from pathlib import Path

from rondo import credentials
from rondo.auth import Auth
from rondo.cli.output import plain
from rondo.credentials import Credentials, Password, TokenCache
from rondo.http_messages import Endpoint
from rondo.http_transport import Transport
from rondo.signin import ask

_REQUEST_TIMEOUT_SECONDS = 60.0


def login(arguments: Namespace) -> int:
    """`rondo login`."""
    file = arguments.ready_file
    url, login = _from_ready_file(file) if file else _from_arguments(arguments)
    auth = Auth(Transport(Endpoint.of(url), _REQUEST_TIMEOUT_SECONDS), login)
    cache = credentials.login_file()
    TokenCache(cache, url).store(auth.tokens(), current=True)
    print(f"logged in to {url} as {plain(auth.user_email())}; the login is kept in {cache}")
    return 0


def _from_arguments(arguments: Namespace) -> tuple[str, Credentials]:
    url = credentials.url(arguments.url)
    return url, Credentials(prompt=ask) if arguments.device else _password_login(arguments)


def _from_ready_file(file: str) -> tuple[str, Credentials]:
    """The address and the administrator that `rondo up --ready-file` wrote."""
    try:
        ready = json.loads(Path(file).read_text("utf-8"))
        return ready["url"], Credentials(Password(ready["user"], ready["password"]))
    except (json.JSONDecodeError, KeyError, TypeError):
        raise ValueError(f"--ready-file: {file} is none that `rondo up` wrote") from None


def _password_login(arguments: Namespace) -> Credentials:
    user = arguments.user or _prompt("user")
    return Credentials(Password(user, password_from(arguments.password_file)))


def logout(arguments: Namespace) -> int:
    """`rondo logout`."""
    url = credentials.url(arguments.url)
    TokenCache(credentials.login_file(), url).forget()
    print(f"logged out of {url}")
    return 0


def password_from(file: str | None) -> str:
    """A password that is typed, or the first line of `file`; `-` is standard input.

    Raises ValueError when it is empty.
    """
    if file in (None, "-") and sys.stdin.isatty():
        return getpass("password: ")
    text = Path(file).read_text("utf-8") if file and file != "-" else sys.stdin.readline()
    password = text.splitlines()[0] if text else ""
    if not password:
        raise ValueError("password: none given; type it, or name its file with --password-file")
    return password


def _prompt(what: str) -> str:
    if not sys.stdin.isatty():
        raise ValueError(f"--{what}: give it, there is no terminal to ask at")
    return input(f"{what}: ")
