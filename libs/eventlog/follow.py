"""Reading streams without acknowledging: from a position on for ever, or one subject's messages."""

import asyncio
import logging
from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from contextlib import aclosing, suppress
from uuid import uuid4

import msgspec

from libs.domain.errors import Unavailable
from libs.eventlog.message import parse_headers
from libs.eventlog.nats_client import JS, ApiError, Message, Nats
from libs.eventlog.pull import RETRYABLE, Delivery, Interrupted, pull
from libs.waiting.retry import back_off

__all__ = ["Delivery", "direct_get", "follow", "parse_headers"]

logger = logging.getLogger(__name__)

BATCH_SIZE = 4000
_ANSWER_TIMEOUT_SECONDS = 5.0


async def follow(
    nats: Nats, stream: str, after: int, subjects: Sequence[str], batch_size: int = BATCH_SIZE
) -> AsyncGenerator[list[Delivery], None]:
    """The messages of `stream` after the sequence `after` on these subjects, for ever, in batches.

    Each comes once, in order and without a gap, also across restarts of the server. Batches are not
    empty; `batch_size` bounds how many messages are requested at a time. Nothing is acknowledged.
    While the server is away it waits and tries again: it raises nothing.
    """
    tries = 0
    while True:
        try:
            async with aclosing(_once(nats, stream, after, subjects, batch_size)) as batches:
                async for batch in batches:
                    tries = 0
                    yield batch
                    after = batch[-1].seq
        except RETRYABLE as problem:
            logger.debug("following %s after %d again: %s", stream, after, problem)
            await back_off(tries)
            tries += 1


async def _once(
    nats: Nats, stream: str, after: int, subjects: Sequence[str], batch_size: int
) -> AsyncGenerator[list[Delivery], None]:
    name = f"follow-{uuid4().hex}"
    config = {
        "name": name,
        "ack_policy": "none",
        "deliver_policy": "by_start_sequence",
        "opt_start_seq": after + 1,
        "filter_subjects": list(subjects),
        "mem_storage": True,
        "num_replicas": 1,
        "inactive_threshold": 30_000_000_000,
    }

    async def capacity() -> int:
        return batch_size

    await _create(nats, stream, name, config)
    expected = 1
    try:
        async for batch in pull(nats, stream, name, capacity):
            for one in batch:
                if one.consumer_seq != expected:
                    raise Interrupted(f"gap: expected {expected}, got {one.consumer_seq}")
                expected += 1
            yield batch
    finally:
        with suppress(Unavailable):  # it goes by itself then, a little later
            await nats.publish(f"{JS}.CONSUMER.DELETE.{stream}.{name}")


async def _create(nats: Nats, stream: str, name: str, config: Mapping[str, object]) -> None:
    body = {"stream_name": stream, "config": config, "action": "create"}
    try:
        await nats.api(f"CONSUMER.CREATE.{stream}.{name}", body)
    except ApiError as error:
        raise Interrupted(str(error)) from error


async def direct_get(
    nats: Nats, stream: str, subject: str, limit: int, *, start: int = 1
) -> AsyncIterator[Message]:
    """The first `limit` messages of a subject pattern from sequence `start` on, by one batched get.

    Any replica may answer, and one may be behind the leader. Unavailable when it does not answer.
    """
    body = msgspec.json.encode({"seq": start, "batch": limit, "next_by_subj": subject})
    async with nats.mailbox() as box:
        await nats.publish(f"{JS}.DIRECT.GET.{stream}", body, reply=box.subject)
        while True:
            try:
                async with asyncio.timeout(_ANSWER_TIMEOUT_SECONDS):
                    message = await box.get()
            except TimeoutError as error:
                raise Unavailable(f"NATS did not answer a read of {subject}") from error
            if message is None:
                raise Unavailable(f"NATS went away during a read of {subject}")
            if "Nats-Sequence" not in message.headers:
                _end(message, subject)
                return
            yield message


def _end(message: Message, subject: str) -> None:
    """204: that was all; 404: there is nothing."""
    status = message.headers.get("Status")
    if status not in ("204", "404"):
        raise Unavailable(f"a read of {subject} ended with {dict(message.headers)}")
