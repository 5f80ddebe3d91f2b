"""A good history to spoil: a schedule that is paused, away and killed, retries, orders to run once.

The scheduler of the platform writes its part, on a log in memory; what the API and an executor say
is written by hand.
"""

import asyncio
from datetime import datetime, timedelta
from uuid import UUID, uuid5

import msgspec

from libs.domain.events import (
    Event,
    RunFinished,
    RunStarted,
    TaskKillRequested,
    TaskPauseRequested,
    TaskResumeRequested,
)
from libs.domain.ids import orchestration_stream, run_stream, task_stream
from libs.domain.values import Retry, RunEnd
from libs.eventlog.envelope import Recorded
from tests.history.commands import Acknowledged, Kind
from tests.scheduler.paper import Paper, PaperCopy
from tests.scheduler.story import ONCE, ORCHESTRATION, READY, START, TASK, UPLOADED, every

LINES = 7
ONE_ORDER, SKIPPING = uuid5(TASK, "once"), uuid5(TASK, "skipping")


class Good:
    def __init__(self) -> None:
        self.now = START + timedelta(seconds=0.1)
        self.log = Paper(lambda: self.now)
        self.acknowledged: list[Acknowledged] = []
        self._scheduler = PaperCopy(self.log, lambda: self.now)
        self._loop = asyncio.Runner()

    def live(self) -> "Good":
        with self._loop:
            self._orders()
            for _ in range(4):
                self._later(1)
                self._end_runs("success")
            self._order("pause", TASK, TaskPauseRequested())
            self._later(3)
            self._order("resume", TASK, TaskResumeRequested())
            self._later(0)
            self._later(2.5, "failure")
            self._later(2)
            self.now += timedelta(seconds=4)  # the scheduler is away
            for task in (TASK, SKIPPING):
                self._order("kill", task, TaskKillRequested())
            self._later(0)
            self._end_runs("killed")
            self._later(0)
        return self

    @property
    def facts(self) -> list[Recorded]:
        return self.log.facts

    def lines(self) -> dict[str, int]:
        return {
            fact.stream.id: fact.event.lines or 0
            for fact in self.facts
            if isinstance(fact.event, RunFinished)
        }

    def _orders(self) -> None:
        for event in (UPLOADED, READY):
            self.log.tell(orchestration_stream(1, ORCHESTRATION), event)
        self._acknowledge("upload", ORCHESTRATION, self.now)
        retried = msgspec.structs.replace(every(1, misfire="all"), retry=Retry(attempts=2))
        self._order("create", TASK, retried)
        self._order("create", SKIPPING, every(1, overlap="skip"))
        self._order("create", ONE_ORDER, msgspec.structs.replace(ONCE, timeout=5))
        self._later(0.3)

    def _order(self, kind: Kind, task: UUID, event: Event) -> None:
        sent = self.now
        self.now += timedelta(milliseconds=1)
        self.log.tell(task_stream(1, task), event)
        self._acknowledge(kind, task, sent)

    def _acknowledge(self, kind: Kind, id: UUID, sent: datetime) -> None:
        self.now += timedelta(milliseconds=1)
        self.acknowledged.append(Acknowledged(kind, str(id), sent, self.now))

    def _later(self, seconds: float, ended: RunEnd | None = None) -> None:
        self.now += timedelta(seconds=seconds)
        for _ in range(3):
            self._loop.run(self._scheduler.learn())
            self._loop.run(self._scheduler.ticker.tick(self.now))
        if ended:
            self._end_runs(ended)

    def _end_runs(self, status: RunEnd) -> None:
        self._loop.run(self._scheduler.learn())
        for id in list(self._scheduler.plan.runs):
            for event in (
                RunStarted(executor="one"),
                RunFinished(status=status, reason=status, lines=LINES),
            ):
                self.now += timedelta(milliseconds=1)
                self.log.tell(run_stream(1, id), event)
        self._loop.run(self._scheduler.learn())
