"""Events that a reaction gave up on: kept in the stream PARKED with the error, for a person.

Who looks at one may have it tried again, by a living copy of the service whose reaction it is, or
discard it. The event itself stays where it is, in the log; what is parked is a note about it.
"""

import base64
from collections import Counter
from datetime import datetime

import msgspec

from libs.domain.errors import Rejected, Unavailable
from libs.eventlog import streams
from libs.eventlog.envelope import Recorded, recorded
from libs.eventlog.follow import direct_get, parse_headers
from libs.eventlog.nats_client import ApiError, Message, Nats

MOST = 1000
_NOT_FOUND = 10037
_RETRY_TIMEOUT = 10.0


class DeadLetter(msgspec.Struct, frozen=True, kw_only=True):
    """`seq` and `subject` are the event's place in the log, `error` is what its handler raised."""

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


def retries_of(reaction: str) -> str:
    """The subject on which copies of a reaction are asked to try a parked event again."""
    return f"retry.{reaction}"


async def park(nats: Nats, note: DeadLetter) -> None:
    """Replaces what is known of the same event already."""
    await nats.append(_subject(note.reaction, note.seq), msgspec.json.encode(note))


async def listed(nats: Nats, limit: int = MOST) -> list[DeadLetter]:
    """The oldest `limit` of them, in the order of their parking."""
    found = direct_get(nats, streams.PARKED, "parked.>", limit)
    return [_parked(message) async for message in found]


async def counted(nats: Nats) -> Counter[str]:
    """How many there are of each reaction."""
    body = await nats.api(f"STREAM.INFO.{streams.PARKED}", {"subjects_filter": "parked.>"})
    subjects = msgspec.json.decode(body, type=_Subjects).state.subjects or {}
    return Counter(subject.split(".")[1] for subject in subjects)


def _parked(message: Message) -> DeadLetter:
    reaction = message.headers["Nats-Subject"].split(".")[1]
    given = {"reaction": reaction, **msgspec.json.decode(message.data)}
    at = datetime.fromisoformat(message.headers["Nats-Time-Stamp"])
    return msgspec.convert({**given, "at": at}, DeadLetter)


async def discard(nats: Nats, reaction: str, seq: int) -> None:
    """Forgets the note; doing so twice is Rejected("not_found")."""
    await _known(nats, reaction, seq)
    await forget(nats, reaction, seq)


async def forget(nats: Nats, reaction: str, seq: int) -> None:
    """The same, whether there is a note or not."""
    await nats.api(f"STREAM.PURGE.{streams.PARKED}", {"filter": _subject(reaction, seq)})


async def retry(nats: Nats, reaction: str, seq: int) -> str | None:
    """Has the event handled once more: gives the error, empty for success.

    None when it takes longer than 10 s: it goes on, and the note is gone once it has succeeded.
    Unavailable when no copy of that service is there.
    """
    await _known(nats, reaction, seq)
    try:
        answer = await nats.request(retries_of(reaction), str(seq).encode(), timeout=_RETRY_TIMEOUT)
    except Unavailable as problem:
        if isinstance(problem.__cause__, TimeoutError):
            return None
        raise
    return answer.data.decode()


async def _known(nats: Nats, reaction: str, seq: int) -> None:
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


async def event(nats: Nats, seq: int) -> Recorded:
    """The event at `seq`, out of the log."""
    body = await nats.api(f"STREAM.MSG.GET.{streams.EVENTS}", {"seq": seq})
    stored = msgspec.json.decode(body, type=_Stored).message
    given = parse_headers(base64.b64decode(stored.hdrs))
    return recorded(stored.seq, stored.subject, given, base64.b64decode(stored.data))
