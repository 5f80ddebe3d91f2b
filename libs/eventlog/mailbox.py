"""Where messages arrive that were asked for on one subject."""

import asyncio
from collections import deque

from libs.eventlog.message import Message


class Mailbox:
    """A subject of our own, to which many answers may come. None arrives when we reconnected."""

    def __init__(self, subject: str) -> None:
        self.subject = subject
        self._come: deque[Message | None] = deque()
        self._some = asyncio.Event()

    def put(self, message: Message | None) -> None:
        self._come.append(message)
        self._some.set()

    async def get(self) -> Message | None:
        """The first that has come, or comes."""
        await self._some.wait()
        message = self._come.popleft()
        if not self._come:
            self._some.clear()
        return message

    async def take(self) -> list[Message | None]:
        """All that has come, at least one."""
        await self._some.wait()
        self._some.clear()
        taken = list(self._come)
        self._come.clear()
        return taken
