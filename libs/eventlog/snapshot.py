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

_CHUNK_BYTES = 128 << 10
_ANSWER_TIMEOUT_SECONDS = 30.0
_BROKEN_OFF = "closed pipe"  # which servers of 2.15 say now and then, in the middle of a restore
_MAX_RETRIES = 3


class _Snapshot(msgspec.Struct):
    config: msgspec.Raw
    state: msgspec.Raw


class _RestoreAnswer(msgspec.Struct):
    deliver_subject: str


class _Last(msgspec.Struct):
    last_seq: int = 0


async def save(nats: Nats, stream: str, path: Path) -> int:
    """Writes the stream, as it is at one moment, to `path`. Gives the sequence of its last message
    then. Raises ApiError, Unavailable or OSError; the file is of no use after that."""
    async with nats.mailbox() as box:
        options = {"deliver_subject": box.subject, "no_consumers": True, "chunk_size": _CHUNK_BYTES}
        answer = await nats.api(
            f"STREAM.SNAPSHOT.{stream}", options, timeout=_ANSWER_TIMEOUT_SECONDS
        )
        snapshot = msgspec.json.decode(answer, type=_Snapshot)
        with path.open("wb") as file:
            file.write(msgspec.json.encode(snapshot) + b"\n")
            await _receive(nats, box, file)
    return msgspec.json.decode(snapshot.state, type=_Last).last_seq


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
        async with asyncio.timeout(_ANSWER_TIMEOUT_SECONDS):
            message = await box.get()
    except TimeoutError as error:
        raise Unavailable("NATS sends no more of a snapshot") from error
    if message is None:
        raise Unavailable("NATS went away during a snapshot")
    return message


async def load(nats: Nats, stream: str, path: Path) -> None:
    """Creates the stream, which must not exist, from what `save` has written. Raises ApiError,
    Unavailable or OSError."""
    for _ in range(_MAX_RETRIES):
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
        snapshot = msgspec.json.decode(file.readline(), type=_Snapshot)
        answer = await nats.api(
            f"STREAM.RESTORE.{stream}", snapshot, timeout=_ANSWER_TIMEOUT_SECONDS
        )
        target = msgspec.json.decode(answer, type=_RestoreAnswer).deliver_subject
        while chunk := await asyncio.to_thread(file.read, _CHUNK_BYTES):
            answer = (await nats.request(target, chunk, timeout=_ANSWER_TIMEOUT_SECONDS)).data
            if answer:
                checked(answer)
        # The empty message is the end; its answer comes once the stream is there.
        checked((await nats.request(target, timeout=_ANSWER_TIMEOUT_SECONDS)).data)
