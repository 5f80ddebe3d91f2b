"""The event log: append to one aggregate, read one aggregate, follow them all.

One subject an aggregate; an append says which sequence it expects to be the last there, 0 for
"must not exist". On conflict: WrongVersion, and nothing is written. Order: the stream's, over all
aggregates. When no answer comes the outcome is found out before append returns or raises:
`Unavailable` is only raised when that was not possible within `patience.PATIENCE`.
"""

import base64
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Sequence
from contextlib import aclosing
from datetime import datetime
from uuid import uuid4

import msgspec

from libs.domain.errors import Unavailable
from libs.domain.events import Event, encode
from libs.domain.ids import EVENTS_ROOT, StreamId
from libs.eventlog import follow as following
from libs.eventlog import streams
from libs.eventlog.envelope import Context, Recorded, headers, read, recorded
from libs.eventlog.nats_client import ApiError, Nats
from libs.waiting.retry import retry

# 10071: wrong last sequence; 10164: the same in an atomic batch; 10201: a batch that is there.
_WRONG_SEQUENCE = {10071, 10164, 10201}
_WRONG_LAST_ID = 10070
# Full by bytes, by messages, or by the account's storage; a batch that was dropped meanwhile.
_CANNOT_TAKE_MORE = {10077, 10047, 10023, 10122}
_NOT_FOUND = 10037
_EXPECTED = "Nats-Expected-Last-Subject-Sequence"
_RIGHT_AFTER = "Nats-Expected-Last-Msg-Id"
_EXPECTED_OVER = "Nats-Expected-Last-Subject-Sequence-Subject"
_PAGE = 1000

EVERYTHING = f"{EVENTS_ROOT}.>"


class WrongVersion(Exception):
    """Somebody else appended to this aggregate first. Load it again and decide again."""


class Proposed(msgspec.Struct, frozen=True):
    """An event to append. `over` widens the check: no newer event on that subject pattern."""

    stream: StreamId
    expected: int
    event: Event
    over: str = ""


class _PubAck(msgspec.Struct):
    seq: int


class _Stored(msgspec.Struct):
    seq: int
    hdrs: str = ""
    data: str = ""
    subject: str = ""


class _Got(msgspec.Struct):
    message: _Stored


class EventLog:
    def __init__(self, nats: Nats) -> None:
        self._nats = nats

    async def append(self, proposed: Proposed, context: Context, right_after: str = "") -> int:
        """Durable when it returns; gives the event's sequence in the log.

        WrongVersion also where the log's newest event is not the one with the id `right_after`.
        """
        given = self._headers(proposed, context)
        if right_after:
            given[_RIGHT_AFTER] = right_after
        body = encode(proposed.event)

        async def attempt() -> int:
            answer = await self._nats.append(proposed.stream.subject, body, given)
            return msgspec.json.decode(answer, type=_PubAck).seq

        return await self._settle(attempt, proposed.stream, given)

    async def append_batch(self, batch: Sequence[tuple[Proposed, Context]]) -> int:
        """All or nothing, one event an aggregate, at most 1,000; gives the last one's sequence.

        It is the group commit: one wait for the disk, however many they are.
        """
        if len(batch) == 1:
            return await self.append(*batch[0])
        messages = [(one, self._headers(one, context), encode(one.event)) for one, context in batch]

        async def attempt() -> int:
            return await self._send_batch(messages)

        return await self._settle(attempt, messages[-1][0].stream, messages[-1][1])

    async def _send_batch(self, messages: list[tuple[Proposed, dict[str, str], bytes]]) -> int:
        batch_id = str(uuid4())
        for number, (one, given, body) in enumerate(messages, start=1):
            marked = {**given, "Nats-Batch-Id": batch_id, "Nats-Batch-Sequence": str(number)}
            if number < len(messages):
                await self._nats.publish(one.stream.subject, body, marked)
        last, _, body = messages[-1]
        marked["Nats-Batch-Commit"] = "1"
        answer = await self._nats.append(last.stream.subject, body, marked)
        return msgspec.json.decode(answer, type=_PubAck).seq

    def _headers(self, proposed: Proposed, context: Context) -> dict[str, str]:
        given = headers(proposed.stream, proposed.event, context)
        given[_EXPECTED] = str(proposed.expected)
        if proposed.over:
            given[_EXPECTED_OVER] = proposed.over
        return given

    async def _settle(
        self, attempt: Callable[[], Awaitable[int]], stream: StreamId, given: dict[str, str]
    ) -> int:
        """Try until the outcome is known.

        The server checks the expected sequence before it looks for duplicates, so a second try of
        an append that did succeed is refused like a lost race. The id of the aggregate's last
        event tells the two apart.
        """
        try:
            return await retry(attempt)
        except ApiError as error:
            if error.code in _CANNOT_TAKE_MORE:
                raise Unavailable(f"the event log can't take events now: {error}") from error
            if error.code == _WRONG_LAST_ID:
                raise WrongVersion("another event came between") from error
            if error.code not in _WRONG_SEQUENCE:
                raise
        last = await self.last(stream)
        if last is None or last.id != given["ce-id"]:
            raise WrongVersion(f"{stream.subject} has moved on")
        return last.seq

    async def last(self, stream: StreamId) -> Recorded | None:
        """The aggregate's newest event, as the stream's leader knows it: never a stale answer."""
        stored = await self._stored({"last_by_subj": stream.subject})
        if stored is None:
            return None
        given = following.parse_headers(base64.b64decode(stored.hdrs))
        return recorded(stored.seq, stored.subject, given, base64.b64decode(stored.data))

    async def last_seq_over(self, pattern: str) -> int:
        """The sequence of the newest event on a subject pattern, 0 when there is none."""
        stored = await self._stored({"last_by_subj": pattern})
        return stored.seq if stored else 0

    async def last_seq_before(self, instant: datetime) -> int:
        """The sequence of the last event that the log took before then, 0 when there is none."""
        stored = await self._stored({"start_time": instant.isoformat()})
        return stored.seq - 1 if stored else await self.end()

    async def _stored(self, which: dict[str, object]) -> _Stored | None:
        """One message, as the stream's leader knows it."""

        async def attempt() -> _Stored | None:
            try:
                body = await self._nats.api(f"STREAM.MSG.GET.{streams.EVENTS}", which)
            except ApiError as error:
                if error.code == _NOT_FOUND:
                    return None
                raise
            return msgspec.json.decode(body, type=_Got).message

        return await retry(attempt)

    async def read(self, stream: StreamId) -> list[Recorded]:
        """All events of one aggregate, oldest first; empty when it does not exist."""
        return await retry(lambda: self._read(stream))

    async def _read(self, stream: StreamId) -> list[Recorded]:
        found: list[Recorded] = []
        while True:
            page = await self._page(stream, after=found[-1].seq if found else 0)
            found += page
            if len(page) < _PAGE:
                return found

    async def _page(self, stream: StreamId, after: int) -> list[Recorded]:
        messages = following.direct_get(
            self._nats, streams.EVENTS, stream.subject, _PAGE, start=after + 1
        )
        return [
            recorded(int(given["Nats-Sequence"]), stream.subject, given, one.data)
            async for one in messages
            if (given := one.headers)
        ]

    async def end(self) -> int:
        """The sequence of the newest event of all."""
        return await retry(lambda: streams.last_seq(self._nats, streams.EVENTS))

    def follow(
        self, after: int, subjects: Sequence[str] = (EVERYTHING,)
    ) -> AsyncIterator[list[Recorded]]:
        """Every event after `after` on these subjects, once and in order, for ever, in batches."""
        return _decoded(following.follow(self._nats, streams.EVENTS, after, subjects))

    async def between(
        self, after: int, through: int, subjects: Sequence[str], at_once: int = following.BATCH
    ) -> AsyncGenerator[list[Recorded], None]:
        """The events after `after` up to and with `through`, which there is, on these subjects.

        Once and in order, in batches. Whichever copy of the stream answers, it has them all once it
        has shown the last of them, as the leader knows it.
        """
        asked, last = await self._until(subjects, through) if after < through else ((), 0)
        if last <= after:
            return
        others = set(asked) - set(subjects)
        async with aclosing(
            following.follow(self._nats, streams.EVENTS, after, asked, at_once)
        ) as batches:
            async for batch in batches:
                given = [
                    _recorded(one)
                    for one in batch
                    if one.seq <= through and one.message.subject not in others
                ]
                if given:
                    yield given
                if batch[-1].seq >= last:
                    return

    async def _until(self, subjects: Sequence[str], through: int) -> tuple[Sequence[str], int]:
        """What to follow, and the place at which it has shown all up to `through`.

        A single subject is quick to read and to know the last event of. Of several the server
        would look at every event, so the one at `through` is made one of theirs.
        """
        if len(subjects) == 1 and subjects[0] != EVERYTHING:
            return subjects, min(await self.last_seq_over(subjects[0]), through)
        last = await self._stored({"seq": through})
        if last is None:
            return subjects, 0
        covered = any(_covers(subject, last.subject) for subject in subjects)
        return subjects if covered else [*subjects, last.subject], through


def _covers(pattern: str, subject: str) -> bool:
    for wanted, token in zip(pattern.split("."), subject.split("."), strict=False):
        if wanted == ">":
            return True
        if wanted not in ("*", token):
            return False
    return True


async def _decoded(
    batches: AsyncIterator[list[following.Delivery]],
) -> AsyncIterator[list[Recorded]]:
    async for batch in batches:
        yield [_recorded(one) for one in batch]


def _recorded(one: following.Delivery) -> Recorded:
    return read(one.seq, one.message)
