"""One pass: append what is due, remember when to look again. Any number of copies may run it."""

import asyncio
import heapq
import logging
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterator
from datetime import datetime, timedelta
from uuid import UUID

import msgspec

from libs.domain import task as tasks
from libs.domain.errors import Rejected, Unavailable
from libs.domain.events import TaskEvent
from libs.domain.ids import workspace_pattern
from libs.eventlog.log import EventLog, WrongVersion
from libs.eventlog.transact import transact
from libs.linux.alarm import Alarm
from libs.waiting.event import set_within
from services.scheduler import decide
from services.scheduler.plan import Plan

logger = logging.getLogger(__name__)

# From so many events on, one wait for the disk is quicker than one for each.
_MIN_BATCH_STEPS = 6
_MAX_BATCH_STEPS = 200
_RETRY_INTERVAL_SECONDS = 0.5
_MAX_FENCE_TRIES = 20
_MAX_STEPS = 2000  # in memory at once, and what one task more adds
_MAX_LATENESS = timedelta(seconds=0.05)


def _confirm_events(task: tasks.Task) -> list[TaskEvent]:
    """Nothing of a forgotten task is open, so its kill is complete."""
    return tasks.settle(task, orchestration_ready=True, open_runs=False)


class Ticker:
    """Appends what is due, as soon as it is due."""

    def __init__(
        self,
        log: EventLog,
        plan: Plan,
        now: Callable[[], datetime],
        catch_up: Callable[[], Awaitable[None]],
    ) -> None:
        """`catch_up` returns once the plan knows all that is in the log by now."""
        self._log = log
        self._plan = plan
        self._now = now
        self._catch_up = catch_up
        self._wake = asyncio.Event()
        self._heap: list[tuple[datetime, UUID]] = []
        # Ticks that are in the log but have not come back from it yet. Kept apart from the plan,
        # which must stay a function of what has.
        self._pending_ticks: dict[UUID, datetime] = {}

    def wake(self) -> None:
        """Ends the wait of `run`: the plan has changed, or an instant has come."""
        self._wake.set()

    async def run(self) -> None:
        """Ticks for ever, whenever it is woken and whenever something falls due."""
        await self._catch_up()
        with Alarm(self.wake) as alarm:
            while True:
                if self._heap:
                    alarm.set(self._heap[0][0])
                if not self._plan.woken:
                    await self._wake.wait()
                self._wake.clear()
                while not await self.tick(self._now()):
                    await set_within(self._wake, _RETRY_INTERVAL_SECONDS)
                    self._wake.clear()

    async def tick(self, now: datetime) -> bool:
        """Appends everything that is due at `now`, and nothing twice however often it is called.

        Returns whether it could be done. What could not, as while the log can't be reached, waits
        for the next call; nothing in here waits for that.

        A copy that is late, since it was stalled, may not know yet what users asked of its tasks
        meanwhile.
        """
        if self._heap and self._heap[0][0] < now - _MAX_LATENESS and not await self._is_caught_up():
            return False
        waiting = self._take_due(now)
        failed: set[UUID] = set()
        for ids, steps in self._parts(frozenset(waiting), now):
            failed = await self._carry_out(ids, steps, now)
            waiting -= ids - failed
            if failed:
                break
        self._plan.woken |= waiting
        return not failed

    def _parts(
        self, due: frozenset[UUID], now: datetime
    ) -> Iterator[tuple[set[UUID], list[decide.Step]]]:
        """Tasks with their due steps, in parts: a long absence takes no more memory than a short
        one. `misfire: all` may have a thousand ticks of each task."""
        ids: set[UUID] = set()
        steps: list[decide.Step] = []
        for id in due:
            ids.add(id)
            steps += self._steps({id}, now)
            if len(steps) >= _MAX_STEPS:
                yield ids, steps
                ids, steps = set(), []
        yield ids, steps

    async def _carry_out(
        self, ids: set[UUID], steps: list[decide.Step], now: datetime
    ) -> set[UUID]:
        """Returns the tasks for which it could not be done now."""
        fenced = {step.task: step.workspace for step in steps if step.settles}
        failed = await self.append([step for step in steps if step.task not in fenced])
        for workspace in set(fenced.values()):
            some = {id for id, one in fenced.items() if one == workspace}
            failed |= await self._settle(workspace, some, now)
        for id in ids & self._plan.kills.keys():
            failed |= await self._confirm_kill(id)
        for id in ids - failed:
            at = decide.wake_at(self._plan, id, now)
            if at is not None and at > now:
                heapq.heappush(self._heap, (at, id))
        return failed

    async def _is_caught_up(self) -> bool:
        try:
            await self._catch_up()
        except Unavailable as problem:
            logger.warning("ticks that are late wait: %s", problem)
            return False
        return True

    def _steps(self, due: set[UUID], now: datetime) -> list[decide.Step]:
        steps: list[decide.Step] = []
        for id in due:
            steps += decide.steps(self._plan, id, now, self._pending_ticks.get(id))
            if id not in self._plan.tasks:
                self._pending_ticks.pop(id, None)
        return steps

    def _take_due(self, now: datetime) -> set[UUID]:
        due, self._plan.woken = self._plan.woken, set()
        while self._heap and self._heap[0][0] <= now:
            due.add(heapq.heappop(self._heap)[1])
        return due

    async def append(self, steps: list[decide.Step]) -> set[UUID]:
        """Appends them all; returns the tasks for which it could not be done now.

        A task's steps go in their order and none after one that failed: once a tick is requested,
        those before it count as accounted for (I3).
        """
        if len(steps) < _MIN_BATCH_STEPS:
            return await self._append_alone(steps)
        for at in range(0, len(steps), _MAX_BATCH_STEPS):
            if await self._append_group(steps[at : at + _MAX_BATCH_STEPS]):
                return {step.task for step in steps[at:]}
        return set()

    async def _append_alone(self, steps: list[decide.Step]) -> set[UUID]:
        by_task: defaultdict[UUID, list[decide.Step]] = defaultdict(list)
        for step in steps:
            by_task[step.task].append(step)
        failed = await asyncio.gather(*(self._append_in_order(one) for one in by_task.values()))
        return set().union(*failed)

    async def _append_in_order(self, steps: list[decide.Step]) -> set[UUID]:
        for step in steps:
            if failed := await self._append_group([step]):
                return failed
        return set()

    async def _append_group(self, group: list[decide.Step]) -> set[UUID]:
        try:
            await self._log.append_batch([(step.proposed, step.context) for step in group])
        except WrongVersion:
            if len(group) > 1:
                return await self._append_alone(group)
            # Another copy was first, or the aggregate moved on: the log will tell us.
        except Unavailable as problem:
            logger.warning("%d events wait: %s", len(group), problem)
            return {step.task for step in group}
        self._remember(group)
        return set()

    async def _settle(self, workspace: int, ids: set[UUID], now: datetime) -> set[UUID]:
        """Appends the steps that settle what is over; returns the tasks that must wait.

        A tick counts as missed only if nobody has requested a run for it: not this copy before a
        restart, and no other copy meanwhile. So the plan catches up, and the append holds only if
        nothing in the workspace has moved since. A busy workspace may take a few tries.
        """
        for _ in range(_MAX_FENCE_TRIES):
            try:
                await self._append_fenced(workspace_pattern(workspace), ids, now)
                return set()
            except WrongVersion:
                continue
            except Unavailable as problem:
                logger.warning("%d tasks wait: %s", len(ids), problem)
                break
        return ids

    async def _append_fenced(self, fence: str, ids: set[UUID], now: datetime) -> None:
        seq = await self._log.last_seq_over(fence)
        await self._catch_up()
        steps = self._steps(ids, now)
        for at in range(0, len(steps), _MAX_BATCH_STEPS):
            group = steps[at : at + _MAX_BATCH_STEPS]
            batch = [(step.proposed, step.context) for step in group]
            first = msgspec.structs.replace(group[0].proposed, expected=seq, over=fence)
            batch[0] = (first, group[0].context)
            seq = await self._log.append_batch(batch)
            self._remember(group)

    def _remember(self, group: list[decide.Step]) -> None:
        for step in group:
            if step.tick is not None:
                last = self._pending_ticks.get(step.task)
                self._pending_ticks[step.task] = max(last, step.tick) if last else step.tick

    async def _confirm_kill(self, id: UUID) -> set[UUID]:
        stream, context = decide.kill_stream(self._plan, id)
        try:
            await transact(self._log, stream, tasks.evolve, _confirm_events, context)
        except (Unavailable, Rejected) as problem:
            logger.warning("the kill of task %s waits: %s", id, problem)
            return {id}
        return set()
