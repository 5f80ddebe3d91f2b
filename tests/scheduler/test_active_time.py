"""I3 over whole lives: pauses, resumptions and kills at any moment, two schedulers that stall, die
and start again, every policy. Afterwards the history checker finds every tick once."""

import asyncio
from collections.abc import Callable, Sequence
from datetime import timedelta
from uuid import UUID

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from libs.domain import task as tasks
from libs.domain.errors import Rejected
from libs.domain.events import RunFinished, RunStarted, TaskCreated, TaskEvent, TaskKilled
from libs.domain.history import fold
from libs.domain.ids import orchestration_stream, run_stream, task_stream
from libs.domain.task import Task
from libs.domain.values import Misfire, Overlap, Retry, RunEnd, Schedule
from libs.eventlog.log import Proposed
from tests.history.ticks import accounted
from tests.power import drawn
from tests.scheduler.paper import Died, Paper, PaperCopy
from tests.scheduler.story import ORCHESTRATION, READY, START, TASK, UPLOADED

STREAM = task_stream(1, TASK)
Command = Callable[[Task], list[TaskEvent]]
COMMANDS: dict[str, Command] = {
    "pause": tasks.pause,
    "resume": tasks.resume,
    "kill": lambda task: tasks.kill(task, keep_logs=False),
}
EXPRESSIONS = st.sampled_from(["* * * * * *", "*/3 * * * * *", "*/20 * * * * *", "5-25 0 12 2 3 *"])
COPIES = st.sampled_from([0, 1])


class Lives(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.now = START + timedelta(microseconds=1)
        self.log = Paper(lambda: self.now)
        self.copies = [PaperCopy(self.log, lambda: self.now) for _ in range(2)]
        self.loop = asyncio.Runner()

    def teardown(self) -> None:
        try:
            if self.log.facts:
                self.ends()
        finally:
            self.loop.close()

    def ends(self) -> None:
        """Killed at last, whatever has been; then every tick is in the log once."""
        self.log.meanwhile = None
        self.command("kill")
        for _ in range(3):
            self.look(0)
            for id in list(self.copies[0].plan.runs):
                self.finish(id, "killed")
        assert any(isinstance(fact.event, TaskKilled) for fact in self.log.facts)
        assert list(map(str, accounted(self.log.facts))) == []

    @initialize(
        expression=EXPRESSIONS,
        misfire=st.sampled_from(["latest", "all", "none"]),
        overlap=st.sampled_from(["allow", "skip", "queue"]),
        cap=st.sampled_from([1, 3, 100]),
        attempts=st.sampled_from([1, 2]),
        ready=st.sampled_from([True, True, False]),
    )
    def create(
        self,
        expression: str,
        misfire: Misfire,
        overlap: Overlap,
        cap: int,
        attempts: int,
        ready: bool,
    ) -> None:
        schedule = Schedule(
            expression=expression, misfire=misfire, overlap=overlap, misfire_cap=cap
        )
        self.log.tell(orchestration_stream(1, ORCHESTRATION), UPLOADED)
        order = TaskCreated(
            kind="scheduled",
            orchestration=ORCHESTRATION,
            schedule=schedule,
            retry=Retry(attempts=attempts, backoff=2),
        )
        self.log.tell(STREAM, order)
        self.ready = False
        if ready:
            self.package()

    @precondition(lambda self: not self.ready)
    @rule()
    def package(self) -> None:
        self.ready = True
        self.log.tell(orchestration_stream(1, ORCHESTRATION), READY)

    @rule(
        seconds=st.sampled_from([0, 0.2, 1, 1, 2.5, 7, 30, -3]),
        what=st.sampled_from(["pause", "resume", "pause", "resume", "look", "look"]),
        copy=COPIES,
    )
    def later(self, seconds: float, what: str, copy: int) -> None:
        """After a while, or once the clock is set back."""
        self.now += timedelta(seconds=seconds)
        if what == "look":
            self.look(copy)
        else:
            self.command(what)

    def command(self, what: str) -> None:
        task = fold(tasks.evolve, [fact for fact in self.log.facts if fact.stream == STREAM])
        assert task is not None
        try:
            events = COMMANDS[what](task)
        except Rejected:
            return
        for event in events:
            self.log.tell(STREAM, event)

    def look(self, copy: int) -> None:
        """A pass on time, or one after a stall: that one has not heard of anything since."""
        one = self.copies[copy]
        if not one.oversleeps(self.now):
            self.loop.run(one.learn())
        try:
            self.loop.run(self._pass(one))
        except Died:
            self.copies[copy] = PaperCopy(self.log, lambda: self.now)

    async def _pass(self, one: PaperCopy) -> None:
        for _ in range(3):
            await one.ticker.tick(self.now)
            await one.learn()

    @rule(copy=COPIES)
    def restart(self, copy: int) -> None:
        self.copies[copy] = PaperCopy(self.log, lambda: self.now)

    @rule(
        copy=COPIES,
        passes=st.integers(0, 3),
        what=st.sampled_from(["die", "pause", "resume", "look"] * 3 + ["kill"]),
        seconds=st.sampled_from([0, 1, 4]),
    )
    def look_while(self, copy: int, passes: int, what: str, seconds: float) -> None:
        """Between a decision and its append another thing happens, or the process ends."""
        self.now += timedelta(seconds=seconds)
        left = passes

        async def meanwhile(batch: Sequence[Proposed]) -> None:
            nonlocal left
            left -= 1
            if left >= 0:
                return
            self.log.meanwhile = None
            if what == "die":
                raise Died
            if what == "look":
                await self._other_looks(copy)
            else:
                self.command(what)

        self.log.meanwhile = meanwhile
        self.look(copy)
        self.log.meanwhile = None

    async def _other_looks(self, copy: int) -> None:
        other = self.copies[1 - copy]
        await other.learn()
        await self._pass(other)

    @rule(data=st.data(), status=st.sampled_from(["success", "failure", "failure"]))
    def end_a_run(self, data: st.DataObject, status: RunEnd) -> None:
        self.loop.run(self.copies[0].learn())
        runs = sorted(self.copies[0].plan.runs)
        if runs:
            self.finish(data.draw(st.sampled_from(runs)), status)

    def finish(self, id: UUID, status: RunEnd) -> None:
        for event in (RunStarted(executor="one"), RunFinished(status=status, reason=status)):
            self.log.tell(run_stream(1, id), event)


TestLives = Lives.TestCase
# From the machine's own settings: others count a busy computer's pauses as a slow test.
TestLives.settings = drawn(100, stateful_step_count=40)
