"""Signed-in people without a browser: what their browser would send."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import aiohttp

from tests.platform import Platform, api

PASSWORD = "a password for tests"


@dataclass
class Answer:
    status: int
    headers: dict[str, str]
    text: str


@dataclass(frozen=True)
class Pass:
    """A session: its cookies, and what the forms of its pages carry."""

    cookies: dict[str, str]
    csrf: str


class Person:
    def __init__(self, session: aiohttp.ClientSession) -> None:
        self.session = session
        self.csrf = ""

    @property
    def pass_(self) -> Pass:
        return Pass({one.key: one.value for one in self.session.cookie_jar}, self.csrf)

    @pass_.setter
    def pass_(self, given: Pass) -> None:
        self.session.cookie_jar.update_cookies(given.cookies)
        self.csrf = given.csrf

    async def ask(self, method: str, path: str, **more: object) -> Answer:
        async with self.session.request(method, path, allow_redirects=False, **more) as answer:  # type: ignore[arg-type]
            return Answer(answer.status, dict(answer.headers), await answer.text())

    async def send(self, path: str, fields: dict[str, str] | None = None) -> Answer:
        """A form of ours."""
        return await self.ask("POST", path, data={"csrf": self.csrf, **(fields or {})})

    async def sign_in(self, name: str, password: str, next: str = "/") -> Answer:
        shown = await self.ask("GET", "/signin")
        fields = {"username": name, "password": password, "next": next}
        return await self.ask("POST", "/signin", data={"csrf": _csrf(shown.text), **fields})


def _csrf(page: str) -> str:
    found = re.search(r'name="csrf" value="([^"]+)"', page)
    return found[1] if found else ""


@asynccontextmanager
async def anybody(platform: Platform) -> AsyncIterator[Person]:
    """Who is not signed in."""
    async with aiohttp.ClientSession(
        platform.access["url"],
        headers={"Accept": "text/html"},
        cookie_jar=aiohttp.CookieJar(unsafe=True),  # it is served at an address, not a name
    ) as session:
        yield Person(session)


@asynccontextmanager
async def signed_in(
    platform: Platform, name: str = "", password: str = PASSWORD
) -> AsyncIterator[Person]:
    """The administrator, or who has that name."""
    async with anybody(platform) as person:
        name, password = (name, password) if name else _administrator(platform)
        assert (await person.sign_in(name, password)).status == 303
        person.csrf = _csrf((await person.ask("GET", "/workloads")).text)
        assert person.csrf
        yield person


def _administrator(platform: Platform) -> tuple[str, str]:
    return platform.access["user"], platform.access["password"]


async def new_user(platform: Platform, email: str) -> str:
    """The id of a user who is no administrator; made if there is none of that email yet."""
    async with api(platform, "people") as client:
        known = (await client.post("users/query", {}))["users"]
        for id, user in known.items():
            if user["email"] == email:
                return str(id)
        body = {"email": email, "password": PASSWORD}
        return str((await client.post("users/create", body))["user"]["id"])
