"""A stream as a file, and back: JetStream's own snapshots, which keep sequences and times.

Consumers are left out. One that was saved may have acknowledged an event whose outcome came too
late for the snapshot; set up anew, a reaction sees every event again, which changes nothing that
is done already.

The file: a line of JSON, what the server said of the stream; then its chunks as they came.
"""

import asyncio
import logging
from contextlib import suppress
from pathlib import Path
from typing import IO

import msgspec

from libs.domain.errors import Unavailable
from libs.eventlog.nats_client import ApiError, Mailbox, Message, Nats, checked

logger = logging.getLogger(__name__)

_CHUNK = 128 << 10
_ANSWER_TIMEOUT = 30.0
_BROKEN_OFF = "closed pipe"  # which servers of 2.15 say now and then, in the middle of a restore
_RETRIES = 3


class _Taken(msgspec.Struct):
    config: msgspec.Raw
    state: msgspec.Raw


class _Awaited(msgspec.Struct):
    deliver_subject: str


class _Last(msgspec.Struct):
    last_seq: int = 0


async def save(nats: Nats, stream: str, path: Path) -> int:
    """Writes the stream as it is at one moment; gives the sequence of its last message then."""
    async with nats.mailbox() as box:
        asked = {"deliver_subject": box.subject, "no_consumers": True, "chunk_size": _CHUNK}
        answer = await nats.api(f"STREAM.SNAPSHOT.{stream}", asked, timeout=_ANSWER_TIMEOUT)
        taken = msgspec.json.decode(answer, type=_Taken)
        with path.open("wb") as file:
            file.write(msgspec.json.encode(taken) + b"\n")
            await _receive(nats, box, file)
    return msgspec.json.decode(taken.state, type=_Last).last_seq


async def _receive(nats: Nats, box: Mailbox, file: IO[bytes]) -> None:
    while True:
        chunk = await _next(box)
        if not chunk.data:
            if chunk.headers.get("Status", "204") != "204":
                raise Unavailable(f"NATS broke off a snapshot: {dict(chunk.headers)}")
            return
        await asyncio.to_thread(file.write, chunk.data)
        if chunk.reply:  # only so much is sent ahead
            await nats.publish(chunk.reply)


async def _next(box: Mailbox) -> Message:
    try:
        async with asyncio.timeout(_ANSWER_TIMEOUT):
            message = await box.get()
    except TimeoutError as error:
        raise Unavailable("NATS sends no more of a snapshot") from error
    if message is None:
        raise Unavailable("NATS went away during a snapshot")
    return message


async def load(nats: Nats, stream: str, path: Path) -> None:
    """Makes the stream, which must not exist, of what `save` has written. Raises ApiError."""
    for _ in range(_RETRIES):
        try:
            return await _load(nats, stream, path)
        except ApiError as error:
            if _BROKEN_OFF not in str(error):
                raise
            logger.warning("NATS broke off the restore of %s; once more", stream)
        with suppress(ApiError):  # there is none, or half of one
            await nats.api(f"STREAM.DELETE.{stream}")
    return await _load(nats, stream, path)


async def _load(nats: Nats, stream: str, path: Path) -> None:
    with path.open("rb") as file:
        taken = msgspec.json.decode(file.readline(), type=_Taken)
        answer = await nats.api(f"STREAM.RESTORE.{stream}", taken, timeout=_ANSWER_TIMEOUT)
        target = msgspec.json.decode(answer, type=_Awaited).deliver_subject
        while chunk := await asyncio.to_thread(file.read, _CHUNK):
            said = (await nats.request(target, chunk, timeout=_ANSWER_TIMEOUT)).data
            if said:
                checked(said)
        # The empty message is the end; its answer comes once the stream is there.
        checked((await nats.request(target, timeout=_ANSWER_TIMEOUT)).data)
