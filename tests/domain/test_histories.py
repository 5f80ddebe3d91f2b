"""Whole histories of a task and its runs, drawn by chance: every order that decisions allow.

Several copies of each service decide, so a decision is made anew after its events are in, as
after a redelivery; and a run's executor may be slower than the scheduler that gives it up.
"""

from collections.abc import Sequence
from datetime import timedelta
from functools import partial

import msgspec
import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from libs.domain import run as runs
from libs.domain import task as tasks
from libs.domain.errors import Rejected
from libs.domain.events import (
    Event,
    RunFinished,
    RunRequested,
    RunStarted,
    TaskCreated,
    TaskKilled,
    decode,
    encode,
)
from libs.domain.history import Evolve, Fact, State, fold
from libs.domain.ids import StreamId, run_id, run_stream, task_stream
from libs.domain.run import Run
from libs.domain.run_end import ENDED, executor_lost
from libs.domain.task import Task
from libs.domain.values import Kind, RunEnd, Schedule
from tests.domain.decider import ID, ORCHESTRATION, START, Decision
from tests.power import drawn

TASK = task_stream(1, ID)
LOST = executor_lost().ended()
EXECUTORS = st.sampled_from(["one", "two"])


class Histories(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.log: dict[StreamId, list[Fact]] = {}
        self.ticks = 0

    def append(self, stream: StreamId, *events: Event) -> None:
        at = START + timedelta(seconds=sum(map(len, self.log.values())))
        for event in events:
            again = decode(encode(event))
            assert again == event
            self.log.setdefault(stream, []).append(
                Fact(stream=stream, event=again, at=at, actor="ann")
            )

    def state(self, stream: StreamId, evolve: Evolve[State]) -> State:
        state = fold(evolve, self.log[stream])
        assert state is not None
        return state

    def decide(
        self, stream: StreamId, evolve: Evolve[State], decide: Decision[State]
    ) -> Sequence[Event]:
        """Appends what is decided; decided anew there is nothing left, or it is refused."""
        try:
            events = decide(self.state(stream, evolve))
        except Rejected as refused:
            return self.refused(refused)
        self.append(stream, *events)
        try:
            assert list(decide(self.state(stream, evolve))) == []
        except Rejected as refused:
            self.refused(refused)
        return events

    def refused(self, refused: Rejected) -> Sequence[Event]:
        assert refused.code in ("conflict", "invalid")
        return []

    @property
    def task(self) -> Task:
        return self.state(TASK, tasks.evolve)

    @property
    def runs(self) -> dict[StreamId, Run]:
        streams = [stream for stream in self.log if stream.aggregate == "run"]
        return {stream: self.state(stream, runs.evolve) for stream in streams}

    def open_runs(self) -> bool:
        return any(run.status not in ENDED for run in self.runs.values())

    def may_have_runs(self) -> bool:
        """Until it is killed, and a little longer: the scheduler may not have seen it yet."""
        status = self.task.status
        once = self.task.kind == "once" and status == "pending"
        return once or status in ("started", "pending_pause", "pending_kill")

    @initialize(kind=st.sampled_from(["once", "scheduled", "continuous"]))
    def create(self, kind: Kind) -> None:
        schedule = Schedule(expression="* * * * * *") if kind == "scheduled" else None
        self.append(TASK, TaskCreated(kind=kind, orchestration=ORCHESTRATION, schedule=schedule))

    @rule()
    def pause(self) -> None:
        before = self.task
        self.decide(TASK, tasks.evolve, tasks.pause)
        allowed = before.kind != "once" and before.status not in ("killed", "failed", "success")
        if not allowed or before.status == "pending_kill":
            assert self.task == before

    @rule()
    def resume(self) -> None:
        before = self.task
        self.decide(TASK, tasks.evolve, tasks.resume)
        if before.status not in ("paused", "pending_pause"):
            assert self.task == before

    @rule(keep_logs=st.booleans())
    def kill(self, keep_logs: bool) -> None:
        """Legal from everywhere."""
        self.decide(TASK, tasks.evolve, lambda task: tasks.kill(task, keep_logs))
        assert self.task.status in ("pending_kill", "killed")

    @rule(ready=st.booleans())
    def settle(self, ready: bool) -> None:
        """I7: killed is only what has no open run."""
        busy = self.open_runs()
        events = self.decide(TASK, tasks.evolve, lambda task: tasks.settle(task, ready, busy))
        if any(isinstance(event, TaskKilled) for event in events):
            assert not busy

    @precondition(lambda self: self.task.status in ("pending", "started", "paused"))
    @rule(fails=st.booleans())
    def end_by_itself(self, fails: bool) -> None:
        before = self.task
        decide = partial(tasks.fail, reason="f") if fails else tasks.complete
        self.decide(TASK, tasks.evolve, decide)
        if fails or before.status == "started":
            assert self.task.status == ("failed" if fails else "success")
        else:
            assert self.task == before

    @precondition(lambda self: self.may_have_runs())
    @rule(later=st.integers(0, 1))
    def request(self, later: int) -> None:
        """I3: a tick may be asked for by two copies, and by one that has not seen the kill."""
        self.ticks += later
        at = START + timedelta(seconds=self.ticks)
        stream = run_stream(1, run_id(ID, at))
        if stream not in self.log:  # "must not exist", says the log
            self.append(stream, RunRequested(task=ID, scheduled_at=at))

    @precondition(lambda self: self.runs)
    @rule(data=st.data(), executor=EXECUTORS)
    def start(self, data: st.DataObject, executor: str) -> None:
        """I2: only what is asked for and neither claimed nor ended."""
        stream = data.draw(st.sampled_from(sorted(self.runs, key=str)))
        before = self.runs[stream]
        if before.status == "requested":
            self.decide(stream, runs.evolve, lambda run: runs.start(run, executor))
            assert self.runs[stream].executor == executor
        else:
            with pytest.raises(Rejected):
                runs.start(before, executor)

    @precondition(lambda self: self.runs)
    @rule(data=st.data(), status=st.sampled_from(sorted(ENDED)), lost=st.booleans())
    def finish(self, data: st.DataObject, status: RunEnd, lost: bool) -> None:
        stream = data.draw(st.sampled_from(sorted(self.runs, key=str)))
        end = LOST if lost else RunFinished(status=status, reason=status)
        self.decide(stream, runs.evolve, lambda run: runs.finish(run, end))
        assert self.runs[stream].status in ENDED

    @invariant()
    def i7_killed_is_final(self) -> None:
        kinds = [type(fact.event) for fact in self.log.get(TASK, [])]
        if TaskKilled in kinds:
            assert kinds.index(TaskKilled) == len(kinds) - 1

    @invariant()
    def i2_i6_each_run_starts_and_ends_at_most_once(self) -> None:
        for stream, history in self.log.items():
            if stream.aggregate == "run":
                kinds = [type(fact.event) for fact in history]
                assert kinds in (
                    [RunRequested],
                    [RunRequested, RunStarted],
                    [RunRequested, RunFinished],
                    [RunRequested, RunStarted, RunFinished],
                )

    @invariant()
    def what_was_ordered_never_changes(self) -> None:
        if TASK in self.log:
            created = self.log[TASK][0].event
            assert isinstance(created, TaskCreated)
            fields = msgspec.structs.asdict(created)
            assert {name: getattr(self.task, name) for name in fields} == fields


TestHistories = Histories.TestCase
# From the machine's own settings: others count a busy computer's pauses as a slow test.
TestHistories.settings = drawn(75, stateful_step_count=30)
