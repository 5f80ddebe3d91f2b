"""The connection to NATS: with direct_client.py, the only file that imports it.

JetStream is spoken by its request subjects ($JS.API..., see the NATS reference "JetStream wire
API"), since the client library has no helper for half of what the log needs. Five traps of the
library are dealt with here: a publish while disconnected fails at once instead of being sent
later (`pending_size=-1`), a request whose connection breaks fails then and not after its time-out,
the first connection never loops on wrong credentials, closing is bounded in time, and messages
come without its queue, task and slow reading of headers (direct_client.py).
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from itertools import count
from pathlib import Path
from typing import Any

import msgspec
import nats.errors

from libs.domain.errors import Unavailable
from libs.eventlog.append_health import AppendHealth
from libs.eventlog.direct_client import DirectClient
from libs.eventlog.mailbox import Mailbox
from libs.eventlog.message import ApiError, Message, checked
from libs.natsjwt.issuer import is_user_seed
from libs.waiting.retry import retry

__all__ = ["ApiError", "Mailbox", "Message", "Nats", "checked", "connect"]

logger = logging.getLogger(__name__)

JS = "$JS.API"
USER = "rondo"
RECONNECT_SECONDS = 0.05
REQUEST_TIMEOUT_SECONDS = 5.0
CONNECT_TIMEOUT_SECONDS = 30.0


class Nats:
    """Requests, publishes, appends and mailboxes on one connection."""

    def __init__(self, client: DirectClient) -> None:
        self._client = client
        self._mailboxes: set[Mailbox] = set()
        self._inbox = client.new_inbox()
        self._numbers = count()
        self._pending: dict[str, asyncio.Future[Message]] = {}
        self.appends = AppendHealth(self.request)
        self.append = self.appends.append

    async def check(self) -> None:
        """For readiness: raises Unavailable when JetStream does not answer or does not store."""
        self.appends.check()
        await self.api("INFO", timeout=2.0)

    async def listen(self) -> None:
        """Subscribes to the answers. Call it before the first request."""
        await self._client.receive(f"{self._inbox}.*", self._on_answer)

    @property
    def connected(self) -> bool:
        """Whether the connection stands at this moment; a lost one is made again by itself."""
        return bool(self._client.is_connected)

    async def request(
        self,
        subject: str,
        data: bytes = b"",
        headers: Mapping[str, str] | None = None,
        timeout: float = REQUEST_TIMEOUT_SECONDS,
    ) -> Message:
        """Sends a request and gives the one answer. `timeout` is in seconds.

        Unavailable when nobody listens on `subject`, or when no answer came: the outcome is then
        unknown.
        """
        inbox = f"{self._inbox}.{next(self._numbers)}"
        answer: asyncio.Future[Message] = asyncio.get_running_loop().create_future()
        self._pending[inbox] = answer
        try:
            await self.publish(subject, data, headers, reply=inbox)
            async with asyncio.timeout(timeout):
                message = await answer
        except TimeoutError as error:
            raise Unavailable(f"NATS did not answer on {subject} in {timeout} s") from error
        finally:
            del self._pending[inbox]
        if message.headers.get("Status") == "503":
            raise Unavailable(f"nobody answers on {subject}")
        return message

    def _on_answer(self, message: Message) -> None:
        answer = self._pending.get(message.subject)
        if answer is not None and not answer.done():
            answer.set_result(message)

    def _on_disconnect(self) -> None:
        for answer in self._pending.values():
            if not answer.done():
                answer.set_exception(Unavailable("the connection to NATS broke"))

    async def api(self, subject: str, body: object = None, timeout: float = 5.0) -> bytes:
        """Calls the JetStream API: `subject` without $JS.API, `body` as JSON. Gives the answer's
        JSON.

        ApiError when the server refuses; Unavailable as in `request`.
        """
        data = b"" if body is None else msgspec.json.encode(body)
        return checked((await self.request(f"{JS}.{subject}", data, timeout=timeout)).data)

    async def publish(
        self,
        subject: str,
        data: bytes = b"",
        headers: Mapping[str, str] | None = None,
        reply: str = "",
    ) -> None:
        """Sends a message without waiting for an answer. Unavailable while disconnected."""
        try:
            await self._client.publish(
                subject, data, reply=reply, headers=dict(headers) if headers else None
            )
        except nats.errors.Error as error:
            raise Unavailable(f"can't publish on {subject}: {error!r}") from error

    @asynccontextmanager
    async def mailbox(self) -> AsyncIterator[Mailbox]:
        """A subject for many answers, for as long as the block lasts. It has a subscription of its
        own, since a pulled message comes under its original subject."""
        box = Mailbox(self._client.new_inbox())
        subscription = await self._client.receive(box.subject, box.put)
        self._mailboxes.add(box)
        try:
            yield box
        finally:
            self._mailboxes.discard(box)
            with suppress(nats.errors.Error):  # the connection may be gone, and the box with it
                await subscription.unsubscribe()

    @asynccontextmanager
    async def requests(self, subject: str, queue: str) -> AsyncIterator[asyncio.Queue[Message]]:
        """The requests that come on `subject`. Of all who listen with the same `queue`, one gets
        each; it answers by publishing to the message's `reply`."""
        received: asyncio.Queue[Message] = asyncio.Queue()
        subscription = await self._client.receive(subject, received.put_nowait, queue)
        try:
            yield received
        finally:
            with suppress(nats.errors.Error):
                await subscription.unsubscribe()

    def _on_reconnect(self) -> None:
        self.appends.forget()
        for box in self._mailboxes:
            box.put(None)


async def _connect(
    url: str, options: dict[str, Any], server: Path | None, timeout: float
) -> DirectClient:
    async def attempt() -> DirectClient:
        client = DirectClient(server)
        try:
            await client.connect(url, allow_reconnect=True, **options)
        except (OSError, TimeoutError, nats.errors.NoServersError) as error:
            raise Unavailable(f"NATS can't be reached at {url}: {error!r}") from error
        return client

    return await retry(attempt, timeout, max_pause=RECONNECT_SECONDS)


async def _close(client: DirectClient) -> None:
    """Gathered, since the library cancels its reader and, when the server has just gone away, lets
    that cancellation out of its `close`, as if it were ours."""
    try:
        async with asyncio.timeout(2):
            await asyncio.gather(client.close(), return_exceptions=True)
    except TimeoutError:
        logger.warning("NATS did not close in time")


@asynccontextmanager
async def connect(
    url: str,
    token: str | None = None,
    timeout: float = CONNECT_TIMEOUT_SECONDS,
    server: Path | None = None,
) -> AsyncIterator[Nats]:
    """Connects for as long as the block lasts; reconnects by itself, for ever.

    `token` is the seed of the platform's key, with which the server's challenge is signed, or the
    password of its user; without it, the URL says who we are. `server` is a file that says which
    process NATS is: nothing is sent to any other (server_identity.py).

    Unavailable when the server can't be reached in `timeout` seconds.
    """
    holder: list[Nats] = []

    async def reconnected() -> None:
        logger.warning("reconnected to NATS")
        for nc in holder:
            nc._on_reconnect()

    async def disconnected() -> None:
        for nc in holder:
            nc._on_disconnect()

    async def error(problem: Exception) -> None:
        logger.warning("NATS: %r", problem)

    options: dict[str, Any] = {
        "pending_size": -1,
        "max_reconnect_attempts": -1,
        "reconnect_time_wait": RECONNECT_SECONDS,
        "connect_timeout": 2,
        "ping_interval": 10,
        "error_cb": error,
        "reconnected_cb": reconnected,
        "disconnected_cb": disconnected,
    }
    if token and is_user_seed(token):
        options["nkeys_seed_str"] = token
    elif token:
        options |= {"user": USER, "password": token}
    client = await _connect(url, options, server, timeout)
    holder.append(Nats(client))
    await holder[0].listen()
    try:
        yield holder[0]
    finally:
        await _close(client)
