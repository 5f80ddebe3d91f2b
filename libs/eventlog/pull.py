"""Pulling messages from a JetStream consumer: one request outstanding at a time, on a mailbox.

The library's own `fetch` stalls for its whole time-out now and then, and its ordered consumer
takes many seconds to notice a restarted server. Here heartbeats and reconnects are watched, and
whatever looks odd raises `Interrupted`: the caller sets up again from its own position.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping

import msgspec

from libs.domain.errors import Unavailable
from libs.eventlog.nats_client import JS, Mailbox, Message, Nats

HEARTBEAT_SECONDS = 3.0  # a restarted server is noticed at once, by the connection that breaks
EXPIRES_SECONDS = 30.0
_HARMLESS = {"404", "408"}  # nothing there, or the request's time is up


class Interrupted(Exception):
    """The server restarted, the consumer is gone, or heartbeats stayed away."""


class Delivery(msgspec.Struct, frozen=True, gc=False):
    """A message of a stream: its sequence there, the number of this delivery among all of the
    consumer, and which attempt to deliver the message it is, from 1."""

    seq: int
    consumer_seq: int
    attempt: int
    message: Message


def parse_delivery(message: Message) -> Delivery:
    """Reads the reply subject: $JS.ACK[.domain.account].stream.consumer.attempt.seq.cseq...."""
    tokens = message.reply.split(".")
    at = 4 if len(tokens) == 9 else 6
    return Delivery(int(tokens[at + 1]), int(tokens[at + 2]), int(tokens[at]), message)


async def pull(
    nats: Nats, stream: str, consumer: str, capacity: Callable[[], Awaitable[int]]
) -> AsyncIterator[list[Delivery]]:
    """The messages of a consumer, in batches as they come, never empty.

    `capacity` waits until there is room for a message, and gives for how many. Raises Interrupted
    or Unavailable: what was not acknowledged is then delivered again.
    """
    subject = f"{JS}.CONSUMER.MSG.NEXT.{stream}.{consumer}"
    async with nats.mailbox() as box:
        wanted = 0
        while True:
            if wanted <= 0:
                wanted = await capacity()
                await nats.publish(subject, _request(wanted), reply=box.subject)
            batch, ended = await _next(box)
            wanted = 0 if ended else wanted - len(batch)
            if batch:
                yield batch


def _request(batch: int) -> bytes:
    return msgspec.json.encode(
        {
            "batch": batch,
            "expires": int(EXPIRES_SECONDS * 1e9),
            "idle_heartbeat": int(HEARTBEAT_SECONDS * 1e9),
        }
    )


async def _next(box: Mailbox) -> tuple[list[Delivery], bool]:
    """The messages that have come, and whether the request is over."""
    try:
        async with asyncio.timeout(
            HEARTBEAT_SECONDS * 2.5
        ):  # wait_for of 3.11 can swallow a cancel
            messages = await box.take()
    except TimeoutError as error:
        raise Interrupted("no heartbeat") from error
    batch: list[Delivery] = []
    ended = False
    for message in messages:
        if message is None:
            if not batch:
                raise Interrupted("reconnected")
            box.put(None)  # hand on what we have; the interruption is for the next call
            return batch, True
        if message.reply.startswith("$JS.ACK"):
            batch.append(parse_delivery(message))
        else:
            ended |= _ends(message.headers)
    return batch, ended


def _ends(headers: Mapping[str, str]) -> bool:
    """Whether the server says that the request is over."""
    status = headers.get("Status", "")
    if status != "100" and status not in _HARMLESS:
        raise Interrupted(f"{status} {headers.get('Description', '')}")
    return status in _HARMLESS


async def acknowledge(nats: Nats, delivery: Delivery) -> None:
    """Says that the message is dealt with. If this is lost, the message is delivered again."""
    await nats.publish(delivery.message.reply, b"+ACK")


async def extend(nats: Nats, delivery: Delivery) -> None:
    """Asks for another ack-wait before the message is delivered again."""
    await nats.publish(delivery.message.reply, b"+WPI")


async def redeliver(nats: Nats, delivery: Delivery, delay: float) -> None:
    """Has the message delivered again after `delay` seconds."""
    body = b"-NAK " + msgspec.json.encode({"delay": int(delay * 1e9)})
    await nats.publish(delivery.message.reply, body)


RETRYABLE = (Interrupted, Unavailable)
