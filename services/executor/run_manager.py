"""From RunRequested to RunFinished: claim, start, watch, finish, kill.

A run is claimed by appending RunStarted right after its RunRequested: of all executors one can.
Meanwhile all is prepared that it needs, but no code of the user's runs before the claim is
acknowledged (I2). It is among ours before its task is looked at: of kills, some are seen there, and
those that come later find it among ours. So after TaskKilled nothing of the task starts (I7).
"""

import asyncio
import logging
import time
from collections.abc import Callable, Coroutine
from functools import partial
from uuid import UUID

import msgspec

from libs.domain import run as runs
from libs.domain.errors import Rejected, Unavailable
from libs.domain.events import RunFinished, RunRequested
from libs.domain.history import fold
from libs.domain.task import Task, is_to_be_killed
from libs.eventlog.envelope import Recorded
from libs.eventlog.lease import Lease
from libs.eventlog.log import EventLog, Proposed, WrongVersion
from libs.eventlog.nats_client import Nats
from libs.eventlog.transact import load, transact
from libs.service.disk_reserve import DiskReserve
from libs.waiting.retry import back_off, retry
from services.executor import run_results
from services.executor.active_run import ActiveRun
from services.executor.backend import Backend, Prepared, Running
from services.executor.log_publisher import LogPublisher
from services.executor.owner_lookup import Owners
from services.executor.run_spec import RunSpecs, Settings
from services.executor.task_cache import TaskCache

logger = logging.getLogger(__name__)

SOURCE = "executor"
_PATIENCE = 60.0


Road = Callable[[LogPublisher], Coroutine[None, None, RunFinished]]


class RunManager:
    def __init__(
        self,
        settings: Settings,
        backend: Backend,
        log: EventLog,
        nats: Nats,
        owners: Owners,
        reserve: DiskReserve,
    ) -> None:
        self._settings = settings
        self._reserve = reserve
        self._backend = backend
        self._log = log
        self._nats = nats
        self._live: dict[UUID, ActiveRun] = {}
        self._slots = set(range(settings.slots))
        self._works: set[asyncio.Task[None]] = set()
        self._adopts = "adoption" in backend.capabilities
        self.orders = TaskCache(log, self.kill, self.prefetch)
        self._specs = RunSpecs(settings, self.orders, owners)
        self.lease = Lease(nats, settings.executor, self.stop_closed)

    async def handle(self, fact: Recorded) -> "asyncio.Future[None] | None":
        """Claims what is asked for; what it gives back is the run, to be waited for.

        What the run needs is made ready while the claim is on its way.
        """
        if not isinstance(fact.event, RunRequested) or UUID(fact.stream.id) in self._live:
            return None
        if self._reserve.over():
            raise Unavailable("the disk is full: runs wait")
        live = self._begin(fact, fact.event)
        preparing = asyncio.create_task(self._prepare(live))
        try:
            live.version = await self._claim(fact)
        except BaseException:
            await self._give_up(live, preparing)
            raise
        if live.version:
            return await self._under_way(self._run(live, partial(self._execute, live, preparing)))
        await self._give_up(live, preparing)
        return await self._adopt(fact, fact.event)

    async def _under_way(self, run: Coroutine[None, None, None]) -> "asyncio.Future[None] | None":
        """What `handle` gives back: as soon as it returns, RunRequested is acknowledged.

        Of a run that can be adopted it is at the run's end. Until then it comes again to an
        executor that starts again.
        """
        if not self._adopts:
            return asyncio.ensure_future(run)
        await run
        return None

    def _begin(self, fact: Recorded, event: RunRequested) -> ActiveRun:
        live = ActiveRun(fact, event, self._slots.pop())
        self._live[live.id] = live
        return live

    def _end(self, live: ActiveRun) -> None:
        del self._live[live.id]
        self._slots.add(live.slot)

    async def _give_up(self, live: ActiveRun, preparing: "asyncio.Task[Prepared]") -> None:
        """It is not ours to run."""
        preparing.cancel()
        await asyncio.wait([preparing])
        if not preparing.cancelled() and not preparing.exception():
            await preparing.result().discard()
        self._end(live)

    async def _claim(self, fact: Recorded) -> int:
        """The place of our RunStarted in the log; 0 if the run is somebody else's."""
        await self.lease.held()  # whoever is taken for dead would start what others start as well
        state = fold(runs.evolve, [fact])
        if state is None:
            return 0
        (event,) = runs.start(state, self._settings.executor)
        try:
            return await self._log.append(
                Proposed(fact.stream, fact.seq, event), fact.because(SOURCE)
            )
        except WrongVersion:
            return 0

    async def _adopt(self, fact: Recorded, event: RunRequested) -> "asyncio.Future[None] | None":
        """A claim of ours of which we know no more: nobody else will end that run.

        It goes on if its backend has it. If not, its code may have begun or not (I2).
        """
        run, version = await load(self._log, fact.stream, runs.evolve)
        if run.status != "running" or run.executor != self._settings.executor:
            return None
        live = self._begin(fact, event)
        live.version = version
        try:
            running = live.running = await self._backend.adopt(live.id)
            if running is None:
                await self._append_end(live, run_results.not_started("its start was interrupted"))
        except BaseException:
            self._end(live)
            raise
        if running is None:
            self._end(live)
            return None
        return await self._under_way(self._run(live, partial(self._resume, live, running)))

    async def _run(self, live: ActiveRun, road: "Road") -> None:
        publisher = LogPublisher(self._nats, live.workspace, live.task, live.id, self._reserve)
        executing = asyncio.create_task(road(publisher))
        try:
            end = await asyncio.shield(executing)
            await self._append_end(live, end)
        except asyncio.CancelledError:
            await asyncio.shield(self._leave(live, executing, publisher))
            raise
        except Exception:
            logger.exception("run %s: a bug of ours", live.id)
            await live.kill(within=0)  # nobody reads what it prints
            await self._append_end(live, run_results.bug())
        finally:
            self._end(live)

    async def _execute(
        self, live: ActiveRun, preparing: "asyncio.Task[Prepared]", publisher: LogPublisher
    ) -> RunFinished:
        try:
            prepared = await preparing
            await self.lease.held()  # what was closed while we stood still is told by now
            if live.killed:
                await prepared.discard()
                return run_results.killed(lines=0)
            running = live.running = await prepared.start()
        except (Rejected, Unavailable, OSError) as problem:
            logger.warning("run %s could not start: %s", live.id, problem)
            publisher.say(f"RONDO: the run could not start: {problem}")
            end = run_results.not_started(str(problem))
            return msgspec.structs.replace(end, lines=await publisher.close())
        live.forked = time.monotonic()
        return await self._watch(live, running, publisher)

    async def _resume(
        self, live: ActiveRun, running: Running, publisher: LogPublisher
    ) -> RunFinished:
        """One that we have adopted. Of its task a kill may have come while nobody was here."""
        await self._task(live)
        await publisher.resume()
        return await self._watch(live, running, publisher)

    async def _watch(
        self, live: ActiveRun, running: Running, publisher: LogPublisher
    ) -> RunFinished:
        if live.killed:
            await running.stop("killed")
        await publisher.pump(running.output, running.wait)
        if reason := self._backend.explain(publisher.last_words):
            publisher.say(reason)
        logged = asyncio.create_task(publisher.close())
        outcome = await running.wait()
        exited = time.monotonic()
        return run_results.finished(outcome, await logged, live.timing(publisher.first_at, exited))

    async def _prepare(self, live: ActiveRun) -> Prepared:
        task = await self._task(live)
        spec = await retry(lambda: self._specs.of_run(task, live.id, live.slot), _PATIENCE)
        self.orders.forget(task)
        return await self._backend.prepare(spec)

    async def _task(self, live: ActiveRun) -> Task:
        """A kill of it that has come is known from here on."""
        task = await retry(lambda: self.orders.task(live.workspace, live.task), _PATIENCE)
        live.killed = live.killed or is_to_be_killed(task)
        return task

    async def _append_end(self, live: ActiveRun, end: RunFinished) -> None:
        """Tries until the run has an end in the log: this or another's.

        It is decided anew where the run has moved on, so what was closed meanwhile stays as it was.
        """
        tries = 0
        while True:
            try:
                return await self._finish(live, end)
            except Unavailable as problem:
                logger.warning("the end of run %s waits: %s", live.id, problem)
            await back_off(tries)
            tries += 1

    async def _finish(self, live: ActiveRun, end: RunFinished) -> None:
        why = live.requested.because(SOURCE)
        for event in runs.finish(live, end):
            try:
                await self._log.append(Proposed(live.stream, live.version, event), why)
            except WrongVersion:
                again = partial(runs.finish, end=end)
                await transact(self._log, live.stream, runs.evolve, again, why)

    async def _leave(
        self, live: ActiveRun, executing: "asyncio.Task[RunFinished]", publisher: LogPublisher
    ) -> None:
        """We are told to stop. A run that can be adopted goes on without us; any other ends with
        us, and the log says so.

        What it prints meanwhile is still read: it belongs to its log (I5).
        """
        asked, adoptable = live.killed, self._adopts and live.running is not None
        if live.running is None or adoptable:
            executing.cancel()
        if not adoptable:
            await live.kill(self._settings.stop_grace)
        await asyncio.wait([executing])
        if adoptable and executing.cancelled():
            await publisher.close()
            return
        if executing.cancelled() or executing.exception():
            end = run_results.stopped(await publisher.close())
        elif (end := executing.result()).reason == "killed" and not asked:
            end = run_results.stopped(end.lines, end)
        await self._append_end(live, end)

    def kill(self, task: UUID) -> None:
        """Of a task that is to be killed no run goes on."""
        for live in self._live.values():
            if live.task == task:
                self._do(live.kill())

    def prefetch(self, workspace: int, orchestration: UUID) -> None:
        """Get ready for runs of it."""
        self._do(self._prefetch(workspace, orchestration))

    async def _prefetch(self, workspace: int, id: UUID) -> None:
        try:
            await self._backend.prefetch(await self._specs.of_any_run(workspace, id))
        except (Rejected, Unavailable, OSError) as problem:
            logger.info("orchestration %s: nothing is ready for its runs: %s", id, problem)

    def _do(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(work)
        self._works.add(task)
        task.add_done_callback(self._works.discard)

    async def stop_closed(self) -> None:
        """After others may have taken us for dead: what they have closed must not go on."""
        for live in list(self._live.values()):
            last = await self._log.last(live.stream)
            if last is not None and isinstance(last.event, RunFinished):
                logger.warning("run %s was closed while we were away", live.stream.id)
                await live.kill(within=0)
