"""The event log: append to one aggregate, read one aggregate, follow them all.

* An aggregate has one subject. An append says which sequence it expects to be the last there, 0 for
  "must not exist".
* On conflict it raises WrongVersion, and nothing is written.
* Order is the stream's, over all aggregates.
* When no answer comes, the append finds out what became of it before it returns or raises. It
  raises Unavailable only when that was not possible in 15 s: the event may then be in the log.
* Reads and the other calls try again for 15 s too, then raise Unavailable.
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
from libs.eventlog.envelope import Context, Recorded, from_headers, from_message, to_headers
from libs.eventlog.message import parse_headers
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
_PAGE_SIZE = 1000

EVERYTHING = f"{EVENTS_ROOT}.>"


class WrongVersion(Exception):
    """Another append to this aggregate came first. Load it again and decide again."""


class Proposed(msgspec.Struct, frozen=True):
    """An event to append. `expected` is the sequence of the aggregate's last event, 0 for none.
    With `over`, a subject pattern, it is that of the last event on the whole pattern."""

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


class _GetAnswer(msgspec.Struct):
    message: _Stored


class EventLog:
    """On the stream EVENTS. See the top of the file for what every call promises."""

    def __init__(self, nats: Nats) -> None:
        self._nats = nats

    async def append(self, proposed: Proposed, context: Context, right_after: str = "") -> int:
        """Appends one event; durable when it returns. Gives its sequence in the log.

        WrongVersion on conflict, and also where the log's newest event is not the one with the id
        `right_after`. Unavailable when the log takes nothing now or the outcome stays unknown.
        """
        headers = self._headers(proposed, context)
        if right_after:
            headers[_RIGHT_AFTER] = right_after
        body = encode(proposed.event)

        async def attempt() -> int:
            answer = await self._nats.append(proposed.stream.subject, body, headers)
            return msgspec.json.decode(answer, type=_PubAck).seq

        return await self._settle(attempt, proposed.stream, headers)

    async def append_batch(self, batch: Sequence[tuple[Proposed, Context]]) -> int:
        """Appends up to 1,000 events of different aggregates, all or none; gives the last sequence.

        It is the group commit: one wait for the disk, however many they are. Raises as `append`,
        WrongVersion where any one of them is in conflict.
        """
        if len(batch) == 1:
            return await self.append(*batch[0])
        messages = [(one, self._headers(one, context), encode(one.event)) for one, context in batch]

        async def attempt() -> int:
            return await self._send_batch(messages)

        return await self._settle(attempt, messages[-1][0].stream, messages[-1][1])

    async def _send_batch(self, messages: list[tuple[Proposed, dict[str, str], bytes]]) -> int:
        batch_id = str(uuid4())
        for number, (one, headers, body) in enumerate(messages, start=1):
            marked = {**headers, "Nats-Batch-Id": batch_id, "Nats-Batch-Sequence": str(number)}
            if number < len(messages):
                await self._nats.publish(one.stream.subject, body, marked)
        last, _, body = messages[-1]
        marked["Nats-Batch-Commit"] = "1"
        answer = await self._nats.append(last.stream.subject, body, marked)
        return msgspec.json.decode(answer, type=_PubAck).seq

    def _headers(self, proposed: Proposed, context: Context) -> dict[str, str]:
        headers = to_headers(proposed.stream, proposed.event, context)
        headers[_EXPECTED] = str(proposed.expected)
        if proposed.over:
            headers[_EXPECTED_OVER] = proposed.over
        return headers

    async def _settle(
        self, attempt: Callable[[], Awaitable[int]], stream: StreamId, headers: dict[str, str]
    ) -> int:
        """Tries until the outcome is known.

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
        if last is None or last.id != headers["ce-id"]:
            raise WrongVersion(f"{stream.subject} has moved on")
        return last.seq

    async def last(self, stream: StreamId) -> Recorded | None:
        """The aggregate's newest event, or None. The stream's leader answers: it is never stale."""
        message = await self._get_message({"last_by_subj": stream.subject})
        if message is None:
            return None
        headers = parse_headers(base64.b64decode(message.hdrs))
        data = base64.b64decode(message.data)
        return from_headers(message.seq, message.subject, headers, data)

    async def last_seq_over(self, pattern: str) -> int:
        """The sequence of the newest event on a subject pattern, 0 when there is none."""
        message = await self._get_message({"last_by_subj": pattern})
        return message.seq if message else 0

    async def last_seq_before(self, instant: datetime) -> int:
        """The sequence of the last event that the log took before `instant`, 0 for none."""
        message = await self._get_message({"start_time": instant.isoformat()})
        return message.seq - 1 if message else await self.end()

    async def _get_message(self, which: dict[str, object]) -> _Stored | None:
        """One message, as the stream's leader knows it."""

        async def attempt() -> _Stored | None:
            try:
                body = await self._nats.api(f"STREAM.MSG.GET.{streams.EVENTS}", which)
            except ApiError as error:
                if error.code == _NOT_FOUND:
                    return None
                raise
            return msgspec.json.decode(body, type=_GetAnswer).message

        return await retry(attempt)

    async def read(self, stream: StreamId) -> list[Recorded]:
        """All events of one aggregate, oldest first; empty when it does not exist."""
        return await retry(lambda: self._read(stream))

    async def _read(self, stream: StreamId) -> list[Recorded]:
        events: list[Recorded] = []
        while True:
            page = await self._page(stream, after=events[-1].seq if events else 0)
            events += page
            if len(page) < _PAGE_SIZE:
                return events

    async def _page(self, stream: StreamId, after: int) -> list[Recorded]:
        messages = following.direct_get(
            self._nats, streams.EVENTS, stream.subject, _PAGE_SIZE, start=after + 1
        )
        return [
            from_headers(int(headers["Nats-Sequence"]), stream.subject, headers, one.data)
            async for one in messages
            if (headers := one.headers)
        ]

    async def end(self) -> int:
        """The sequence of the newest event of all, 0 for an empty log."""
        return await retry(lambda: streams.last_seq(self._nats, streams.EVENTS))

    def follow(
        self, after: int, subjects: Sequence[str] = (EVERYTHING,)
    ) -> AsyncIterator[list[Recorded]]:
        """Every event after the sequence `after` on these subject patterns, for ever, in batches.

        Each comes once and in order, as in libs/eventlog/follow.py, which never raises Unavailable.
        """
        return _decode_all(following.follow(self._nats, streams.EVENTS, after, subjects))

    async def between(
        self,
        after: int,
        through: int,
        subjects: Sequence[str],
        batch_size: int = following.BATCH_SIZE,
    ) -> AsyncGenerator[list[Recorded], None]:
        """The events after `after` up to and with `through`, which must exist, on these subjects.

        Each comes once and in order, in batches. A replica that answers may be behind: it ends only
        after the last of these events, as the leader knows it.
        """
        followed, last = await self._until(subjects, through) if after < through else ((), 0)
        if last <= after:
            return
        others = set(followed) - set(subjects)
        async with aclosing(
            following.follow(self._nats, streams.EVENTS, after, followed, batch_size)
        ) as batches:
            async for batch in batches:
                events = [
                    _decode(one)
                    for one in batch
                    if one.seq <= through and one.message.subject not in others
                ]
                if events:
                    yield events
                if batch[-1].seq >= last:
                    return

    async def _until(self, subjects: Sequence[str], through: int) -> tuple[Sequence[str], int]:
        """Which subjects to follow, and the position at which they have shown all up to `through`.

        The last event of a single subject is quick to read. For several subjects the server would
        look at every event, so the subject of the event at `through` is followed as well.
        """
        if len(subjects) == 1 and subjects[0] != EVERYTHING:
            return subjects, min(await self.last_seq_over(subjects[0]), through)
        last = await self._get_message({"seq": through})
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


async def _decode_all(
    batches: AsyncIterator[list[following.Delivery]],
) -> AsyncIterator[list[Recorded]]:
    async for batch in batches:
        yield [_decode(one) for one in batch]


def _decode(one: following.Delivery) -> Recorded:
    return from_message(one.seq, one.message)
