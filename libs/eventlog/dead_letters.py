"""Dead letters: notes about events on which a reaction gave up, for a person to look at.

They lie in the stream PARKED with the error; users read of "parked events". A person has the event
tried again, by a living copy of the service whose reaction it is, or discards the note. The event
itself stays in the log.
"""

import base64
from collections import Counter
from datetime import datetime

import msgspec

from libs.domain.errors import Rejected, Unavailable
from libs.eventlog import streams
from libs.eventlog.envelope import Recorded, from_headers
from libs.eventlog.follow import direct_get, parse_headers
from libs.eventlog.nats_client import ApiError, Message, Nats

MAX_LISTED = 1000
_NOT_FOUND = 10037
_RETRY_TIMEOUT_SECONDS = 10.0


class DeadLetter(msgspec.Struct, frozen=True, kw_only=True):
    """`seq` and `subject` say which event of the log it is about, `error` what the handler raised.
    `at` is when the reaction gave up."""

    reaction: str
    seq: int
    subject: str
    error: str
    type: str = ""
    at: datetime | None = None


class _Stored(msgspec.Struct):
    class Message(msgspec.Struct):
        seq: int
        subject: str
        hdrs: str = ""
        data: str = ""

    message: Message


class _Subjects(msgspec.Struct):
    class State(msgspec.Struct):
        subjects: dict[str, int] | None = None

    state: State


def _subject(reaction: str, seq: int) -> str:
    return f"parked.{reaction}.{seq}"


def retry_subject(reaction: str) -> str:
    """The subject of requests to copies of `reaction` to try an event once more."""
    return f"retry.{reaction}"


async def put(nats: Nats, letter: DeadLetter) -> None:
    """Keeps it, in place of one about the same event and reaction. Raises Unavailable, ApiError."""
    await nats.append(_subject(letter.reaction, letter.seq), msgspec.json.encode(letter))


async def oldest(nats: Nats, limit: int = MAX_LISTED) -> list[DeadLetter]:
    """The oldest `limit` of all reactions, in the order in which they were put."""
    messages = direct_get(nats, streams.PARKED, "parked.>", limit)
    return [_decode(message) async for message in messages]


async def counts(nats: Nats) -> Counter[str]:
    """How many there are of each reaction."""
    body = await nats.api(f"STREAM.INFO.{streams.PARKED}", {"subjects_filter": "parked.>"})
    subjects = msgspec.json.decode(body, type=_Subjects).state.subjects or {}
    return Counter(subject.split(".")[1] for subject in subjects)


def _decode(message: Message) -> DeadLetter:
    reaction = message.headers["Nats-Subject"].split(".")[1]
    fields = {"reaction": reaction, **msgspec.json.decode(message.data)}
    at = datetime.fromisoformat(message.headers["Nats-Time-Stamp"])
    return msgspec.convert({**fields, "at": at}, DeadLetter)


async def discard(nats: Nats, reaction: str, seq: int) -> None:
    """Removes one that there is; Rejected("not_found") where there is none."""
    await _check_exists(nats, reaction, seq)
    await remove(nats, reaction, seq)


async def remove(nats: Nats, reaction: str, seq: int) -> None:
    """Removes one, if there is one."""
    await nats.api(f"STREAM.PURGE.{streams.PARKED}", {"filter": _subject(reaction, seq)})


async def retry(nats: Nats, reaction: str, seq: int) -> str | None:
    """Has the event handled once more; gives the error, empty for success.

    None when it takes longer than 10 s: it goes on, and removes the letter once it has succeeded.
    Rejected("not_found") where there is no such letter; Unavailable when no copy of that service is
    there.
    """
    await _check_exists(nats, reaction, seq)
    try:
        answer = await nats.request(
            retry_subject(reaction), str(seq).encode(), timeout=_RETRY_TIMEOUT_SECONDS
        )
    except Unavailable as problem:
        if isinstance(problem.__cause__, TimeoutError):
            return None
        raise
    return answer.data.decode()


async def _check_exists(nats: Nats, reaction: str, seq: int) -> None:
    if not reaction.replace("-", "").replace("_", "").isalnum():
        raise Rejected("invalid", "reaction: give the name of one, such as packager")
    body = {"last_by_subj": _subject(reaction, seq)}
    try:
        await nats.api(f"STREAM.MSG.GET.{streams.PARKED}", body)
    except ApiError as error:
        if error.code != _NOT_FOUND:
            raise
        raise Rejected(
            "not_found", f"seq: no event {seq} of {reaction} is parked; list them to see which are"
        ) from None


async def read_event(nats: Nats, seq: int) -> Recorded:
    """The event at `seq` of the log. Raises ApiError where there is none."""
    body = await nats.api(f"STREAM.MSG.GET.{streams.EVENTS}", {"seq": seq})
    stored = msgspec.json.decode(body, type=_Stored).message
    headers = parse_headers(base64.b64decode(stored.hdrs))
    return from_headers(stored.seq, stored.subject, headers, base64.b64decode(stored.data))
