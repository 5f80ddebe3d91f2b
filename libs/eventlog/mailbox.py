"""A queue of the messages that come on one subject."""

import asyncio
from collections import deque

from libs.eventlog.message import Message


class Mailbox:
    """A subject of our own, to which many answers may come. A None among them says that the
    connection was made anew: messages may be missing there."""

    def __init__(self, subject: str) -> None:
        self.subject = subject
        self._messages: deque[Message | None] = deque()
        self._arrival = asyncio.Event()

    def put(self, message: Message | None) -> None:
        """Wakes whoever waits. None says that the connection was made anew."""
        self._messages.append(message)
        self._arrival.set()

    async def get(self) -> Message | None:
        """Waits for a message, and takes the oldest."""
        await self._arrival.wait()
        message = self._messages.popleft()
        if not self._messages:
            self._arrival.clear()
        return message

    async def take(self) -> list[Message | None]:
        """Waits for a message, and takes all that there are."""
        await self._arrival.wait()
        self._arrival.clear()
        taken = list(self._messages)
        self._messages.clear()
        return taken
