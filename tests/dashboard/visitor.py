"""Somebody at a browser, and what they or others do meanwhile by the API."""

import asyncio
import re
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar
from zlib import crc32

from playwright.sync_api import Browser, ConsoleMessage, Page, StorageState

from tests.platform import Api, Platform, api

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
HELLO = {"main.py": "print('hello')"}
PATIENCE = 90_000  # ms that a busy machine may take for what is due

Answer = TypeVar("Answer")


def sign_in(page: Page, name: str, password: str) -> None:
    page.goto("/signin")
    page.get_by_label("Email").fill(name)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(re.compile(r"/workloads"))


class Visitor:
    """`page` is theirs; `complaints` are what the browser had to complain of: errors of scripts,
    and what the security policy forbids."""

    def __init__(
        self,
        platform: Platform,
        browser: Browser,
        state: StorageState,
        screenshots: Path,
        name: str,
    ) -> None:
        self.platform = platform
        self.complaints: list[str] = []
        self._browser = browser
        self._state = state
        self._screenshots = screenshots
        self._name = re.sub(r"\W+", "-", name)
        self._place = f"place {crc32(name.encode())}"  # no word that a test may look for
        self._contexts: list[Any] = []
        self.workspace = self.do(_workspace)
        self.page = self.open()

    def open(self, **more: Any) -> Page:
        """A page in a browser window of its own, signed in."""
        context = self._browser.new_context(
            **{
                "base_url": self.platform.access["url"],
                "storage_state": self._state,
                "locale": "en-GB",
                "timezone_id": "Europe/Berlin",
                "viewport": {"width": 1280, "height": 800},
                **more,
            }
        )
        context.set_default_timeout(PATIENCE)
        self._contexts.append(context)
        page = context.new_page()
        page.on("console", self._console)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        return page

    def _console(self, message: ConsoleMessage) -> None:
        if message.type == "error" and "Failed to load resource" not in message.text:
            self.complaints.append(message.text)

    def do(self, what: Callable[[Api], Awaitable[Answer]]) -> Answer:
        """By the API, in the test's workspace. The browser's event loop is in this thread."""

        async def done() -> Answer:
            async with api(self.platform, self._place) as client:
                return await what(client)

        with ThreadPoolExecutor(1) as thread:
            return thread.submit(asyncio.run, done()).result()

    def shot(self, name: str) -> None:
        self.page.screenshot(path=self._screenshots / f"{self._name}-{name}.png", full_page=True)

    def close(self) -> None:
        for context in self._contexts:
            context.close()
        self.do(_stop)


async def _stop(client: Api) -> None:
    """A task that goes on would take its part of the machine from all tests to come."""
    for task in await client.post("task/list", {"workspace_id": client.workspace}):
        await client.post("task/kill", {"id": task["id"]})


async def _workspace(client: Api) -> int:
    return client.workspace


def ready(files: dict[str, str], name: str) -> Callable[[Api], Awaitable[str]]:
    return lambda client: client.ready(files, name)
