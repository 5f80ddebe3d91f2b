"""A log in memory with the conditions of the real one, for thousands of histories a minute.

Copies of the scheduler append to it through their real passes. That the real log keeps these
conditions is what tests/contracts and test_copies.py show.
"""

import fnmatch
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta
from uuid import UUID, uuid5

from libs.domain.events import Event, decode, encode
from libs.domain.ids import StreamId
from libs.eventlog.envelope import Context, Recorded
from libs.eventlog.log import EventLog, Proposed, WrongVersion
from services.scheduler.plan import Plan
from services.scheduler.ticker import Ticker

_NAMES = UUID("3b1e3a0c-7a84-4a53-9ad4-0c8e5f0b7f11")


class Died(Exception):
    """The process that was appending is gone."""


class Paper(EventLog):
    """`meanwhile` is called before each append with what is to be appended; it may raise Died."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        self._now = now
        self.facts: list[Recorded] = []
        self.meanwhile: Callable[[Sequence[Proposed]], Awaitable[None]] | None = None

    def tell(self, stream: StreamId, event: Event, actor: str = "ann") -> None:
        seq = len(self.facts) + 1
        fact = Recorded(
            seq=seq,
            id=str(uuid5(_NAMES, str(seq))),
            stream=stream,
            event=decode(encode(event)),
            at=self._now(),
            actor=actor,
            source="test",
            correlation="c",
            causation="",
        )
        self.facts.append(fact)

    async def append(self, proposed: Proposed, context: Context, right_after: str = "") -> int:
        return await self.append_batch([(proposed, context)])

    async def append_batch(self, batch: Sequence[tuple[Proposed, Context]]) -> int:
        if self.meanwhile is not None:
            await self.meanwhile([proposed for proposed, _ in batch])
        for one, _ in batch:
            if await self.last_seq_over(one.over or one.stream.subject) != one.expected:
                raise WrongVersion(one.stream.subject)
        for one, context in batch:
            self.tell(one.stream, one.event, context.actor)
        return len(self.facts)

    async def last_seq_over(self, pattern: str) -> int:
        glob = pattern.replace(">", "*")
        sequences = (
            fact.seq
            for fact in reversed(self.facts)
            if fnmatch.fnmatchcase(fact.stream.subject, glob)
        )
        return next(sequences, 0)

    async def read(self, stream: StreamId) -> list[Recorded]:
        return [fact for fact in self.facts if fact.stream == stream]

    async def end(self) -> int:
        return len(self.facts)


class PaperCopy:
    """A copy of the scheduler: what it has read of the log, and its passes."""

    def __init__(self, log: Paper, now: Callable[[], datetime]) -> None:
        self._log = log
        self._read = 0
        self.plan = Plan()
        self.ticker = Ticker(log, self.plan, now, self.learn)

    async def learn(self) -> None:
        for fact in self._log.facts[self._read :]:
            self.plan.fold(fact)
        self._read = len(self._log.facts)

    def oversleeps(self, now: datetime) -> bool:
        """Whether a tick that it meant to look at has passed."""
        heap = self.ticker._heap
        return bool(heap) and heap[0][0] <= now - timedelta(seconds=1)
