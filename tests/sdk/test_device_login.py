"""Logging in by somebody who signs in elsewhere, in a browser."""

import html
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from http.cookiejar import CookieJar
from pathlib import Path
from urllib.parse import urlencode
from urllib.request import HTTPCookieProcessor, build_opener
from uuid import uuid4

import pytest
from rondo import Client, Password
from rondo.auth import Auth
from rondo.credentials import Credentials, TokenCache
from rondo.errors import TokenFetchError
from rondo.http_messages import Endpoint
from rondo.http_transport import Transport

from tests.platform import Platform
from tests.sdk import SDK

Prompt = Callable[[str, str], None]
Made = Callable[[Prompt], Auth]

FIELD = r'name="(csrf|user_code)"[^>]*? value="([^"]*)"'
PROGRAMS = {
    "command": ("-m", "rondo", "login", "--device"),
    "blocking": ("-c", "import rondo; print(rondo.Client(auth_type='sso').auth.user_email())"),
    "asyncio": (
        "-c",
        "import asyncio, rondo\n"
        "client = rondo.AsyncClient(auth_type='sso')\n"
        "print(asyncio.run(client.auth.user_email()))",
    ),
}


def sign_in(address: str, login: Password) -> str:
    """As a browser does; what the page says then."""
    browser = build_opener(HTTPCookieProcessor(CookieJar()))
    page = browser.open(address).read().decode()
    form = {name: html.unescape(value) for name, value in re.findall(FIELD, page)}
    form |= {"username": login.user, "password": login.password}
    where = address.partition("?")[0]
    return str(browser.open(where, urlencode(form).encode()).read().decode())


@contextmanager
def _started(
    program: tuple[str, ...], environment: dict[str, str]
) -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen(
        [sys.executable, *program],
        env={**os.environ, "PYTHONPATH": str(SDK), **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def _address(process: subprocess.Popen[str]) -> str:
    """The one that it asks to open; it shows the code beside it, too."""
    assert process.stderr is not None
    said = process.stderr.readline(), process.stderr.readline()
    found = re.search(r"(http\S+user_code=(\S+))$", said[0])
    assert found is not None, said
    assert found[2] in said[1]
    return found[1]


def test_programs_wait_for_a_person(
    environment: dict[str, str], login: Password, tmp_path: Path
) -> None:
    with ExitStack() as stack:
        started = {
            name: stack.enter_context(
                _started(program, {**environment, "XDG_CACHE_HOME": str(tmp_path / name)})
            )
            for name, program in PROGRAMS.items()
        }
        for process in started.values():
            assert "You are signed in" in sign_in(_address(process), login)
        for name, process in started.items():
            said, complained = process.communicate(timeout=60)
            assert process.returncode == 0, complained
            assert login.user in said
            kept = json.loads((tmp_path / name / "rondo" / "logins.json").read_bytes())
            assert set(kept["logins"]) == {environment["RONDO_URL"]}


@pytest.fixture
def auth(platform: Platform, tmp_path: Path) -> Made:
    """One that shows the address to this function."""

    def made(prompt: Prompt) -> Auth:
        transport = Transport(Endpoint.of(platform.access["url"]), 30)
        cache = TokenCache(tmp_path / "logins.json", "here")
        return Auth(transport, Credentials(cache=cache, prompt=prompt))

    return made


def test_a_person_is_asked_once(auth: Made, login: Password) -> None:
    asked: list[str] = []

    def prompt(address: str, code: str) -> None:
        asked.append(code)
        sign_in(address, login)

    first = auth(prompt)
    assert first.user_email() == auth(prompt).user_email() == login.user
    assert len(asked) == 1


def test_who_is_disabled_meanwhile(auth: Made, client: Client) -> None:
    ada = client.create_user(f"{uuid4()}@example.org")

    def prompt(address: str, code: str) -> None:
        sign_in(address, Password(ada.email(), ada.password() or ""))
        client.deactivate_user(ada.email())

    with pytest.raises(TokenFetchError, match="gone or disabled") as refused:
        auth(prompt).tokens()
    assert refused.value.code == "access_denied"


def test_a_login_by_another_program_counts(
    auth: Made, platform: Platform, login: Password, tmp_path: Path
) -> None:
    """Of two that ask at a time, who signs in for one has signed in for both."""
    transport = Transport(Endpoint.of(platform.access["url"]), 30)

    def prompt(address: str, code: str) -> None:
        other = Auth(transport, Credentials(login)).tokens()
        TokenCache(tmp_path / "logins.json", "here").store(other)

    assert auth(prompt).user_email() == login.user
