"""Logging in: the password comes from the terminal, a file or standard input, never by argument; or
it is typed elsewhere, in a browser. The file that `rondo up` writes has all that is needed."""

import json
import sys
from argparse import Namespace
from getpass import getpass
from pathlib import Path

from rondo import credentials
from rondo.auth import Auth
from rondo.cli.output import plain
from rondo.credentials import Credentials, Password, TokenCache
from rondo.signin import ask
from rondo.transport import Transport
from rondo.wire import Endpoint

_TIMEOUT = 60.0  # s


def login(arguments: Namespace) -> int:
    url, who = _ready(arguments.ready_file) if arguments.ready_file else _asked_for(arguments)
    auth = Auth(Transport(Endpoint.of(url), _TIMEOUT), who)
    cache = credentials.login_file()
    TokenCache(cache, url).store(auth.tokens(), current=True)
    print(f"logged in to {url} as {plain(auth.user_email())}; the login is kept in {cache}")
    return 0


def _asked_for(arguments: Namespace) -> tuple[str, Credentials]:
    url = credentials.url(arguments.url)
    return url, Credentials(prompt=ask) if arguments.device else _typed(arguments)


def _ready(file: str) -> tuple[str, Credentials]:
    """What `rondo up --ready-file` wrote: its address, and the administrator."""
    try:
        ready = json.loads(Path(file).read_text("utf-8"))
        return ready["url"], Credentials(Password(ready["user"], ready["password"]))
    except (json.JSONDecodeError, KeyError, TypeError):
        raise ValueError(f"--ready-file: {file} is none that `rondo up` wrote") from None


def _typed(arguments: Namespace) -> Credentials:
    user = arguments.user or _asked("user")
    return Credentials(Password(user, password_from(arguments.password_file)))


def logout(arguments: Namespace) -> int:
    url = credentials.url(arguments.url)
    TokenCache(credentials.login_file(), url).forget()
    print(f"logged out of {url}")
    return 0


def password_from(file: str | None) -> str:
    """Typed, or the first line of `file`; of standard input without one, or for `-`."""
    if file in (None, "-") and sys.stdin.isatty():
        return getpass("password: ")
    text = Path(file).read_text("utf-8") if file and file != "-" else sys.stdin.readline()
    password = text.splitlines()[0] if text else ""
    if not password:
        raise ValueError("password: none given; type it, or name its file with --password-file")
    return password


def _asked(what: str) -> str:
    if not sys.stdin.isatty():
        raise ValueError(f"--{what}: give it, there is no terminal to ask at")
    return input(f"{what}: ")
