"""From RunRequested to RunFinished: claim, start, watch, finish, kill.

A run is claimed by appending RunStarted right after its RunRequested: of all executors one can.
Meanwhile all is prepared that it needs, but no code of the user's runs before the claim is
acknowledged (I2). It is among ours before its task is looked at: of kills, some are seen there, and
those that come later find it among ours. So after TaskKilled nothing of the task starts (I7).
"""

import asyncio
import logging
import time
from collections.abc import Coroutine
from functools import partial
from pathlib import Path
from uuid import UUID, uuid4

import msgspec

from libs.domain import run as runs
from libs.domain.errors import Rejected, Unavailable
from libs.domain.events import RunFinished, RunRequested
from libs.domain.history import fold
from libs.domain.orchestration import Orchestration
from libs.domain.task import GRACE
from libs.eventlog.envelope import Recorded
from libs.eventlog.lease import Lease
from libs.eventlog.log import EventLog, Proposed, WrongVersion
from libs.eventlog.nats_client import Nats
from libs.eventlog.transact import load, transact
from libs.service.room import Room
from libs.waiting.retry import back_off, retry
from services.executor import run_results
from services.executor.active_run import ActiveRun
from services.executor.backend import Backend, Mode, Prepared, RunSpec
from services.executor.code_cache import CodeCache
from services.executor.log_publisher import Output
from services.executor.owner_lookup import Owners
from services.executor.task_cache import TaskCache

logger = logging.getLogger(__name__)

SOURCE = "executor"
_START_PATIENCE = 60.0


class Settings(msgspec.Struct, frozen=True):
    """`variables` are set for every task; `stop_grace` seconds is what runs get at our own end."""

    executor: str
    slots: int
    environments: Path
    variables: dict[str, str]
    mode: Mode = "fork"
    stop_grace: float = 1.0


class RunManager:
    def __init__(
        self,
        settings: Settings,
        backend: Backend,
        log: EventLog,
        nats: Nats,
        code: CodeCache,
        owners: Owners,
        room: Room,
    ) -> None:
        self._settings = settings
        self._room = room
        self._backend = backend
        self._log = log
        self._nats = nats
        self._code = code
        self._owners = owners
        self._live: dict[UUID, ActiveRun] = {}
        self._slots = set(range(settings.slots))
        self._works: set[asyncio.Task[None]] = set()
        self.orders = TaskCache(log, self.kill, self.warm)
        self.lease = Lease(nats, settings.executor, self.stop_closed)

    async def handle(self, fact: Recorded) -> "asyncio.Future[None] | None":
        """Claims what is asked for; what it gives back is the run, to be waited for.

        What the run needs is made ready while the claim is on its way.
        """
        run = UUID(fact.stream.id)
        if not isinstance(fact.event, RunRequested) or run in self._live:
            return None
        if self._room.over():
            raise Unavailable("the disk is full: runs wait")
        live = self._live[run] = ActiveRun(fact.stream, fact.event.task, self._slots.pop())
        preparing = asyncio.create_task(self._prepared(fact, fact.event, run, live))
        try:
            live.version = await self._claim(fact)
        except BaseException:
            await self._give_up(run, preparing)
            raise
        if live.version:
            return asyncio.ensure_future(self._run(fact, fact.event, run, live, preparing))
        await self._give_up(run, preparing)
        await self._close_interrupted(fact)
        return None

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

    async def _give_up(self, run: UUID, preparing: "asyncio.Task[Prepared]") -> None:
        """It is not ours to run."""
        preparing.cancel()
        await asyncio.wait([preparing])
        if not preparing.cancelled() and not preparing.exception():
            await preparing.result().discard()
        self._slots.add(self._live.pop(run).slot)

    async def _close_interrupted(self, fact: Recorded) -> None:
        """A claim of ours whose acknowledgement we never saw: nobody else will end that run."""
        run, version = await load(self._log, fact.stream, runs.evolve)
        if run.status == "running" and run.executor == self._settings.executor:
            end = run_results.not_started("its start was interrupted")
            await self._append_end(fact, run, end, version)

    async def _run(
        self,
        fact: Recorded,
        event: RunRequested,
        run: UUID,
        live: ActiveRun,
        preparing: "asyncio.Task[Prepared]",
    ) -> None:
        output = Output(self._nats, fact.stream.workspace, event.task, run, self._room)
        executing = asyncio.create_task(self._executed(run, live, preparing, output))
        try:
            end = await asyncio.shield(executing)
            await self._append_end(fact, live, end, live.version)
        except asyncio.CancelledError:
            await asyncio.shield(self._abandon(fact, live, executing, output))
            raise
        except Exception:
            logger.exception("run %s: a bug of ours", run)
            await live.kill(within=0)  # nobody reads what it prints
            await self._append_end(fact, live, run_results.bug(), live.version)
        finally:
            del self._live[run]
            self._slots.add(live.slot)

    async def _executed(
        self, run: UUID, live: ActiveRun, preparing: "asyncio.Task[Prepared]", output: Output
    ) -> RunFinished:
        try:
            prepared = await preparing
            await self.lease.held()  # what was closed while we stood still is told by now
            if live.killed:
                await prepared.discard()
                return run_results.killed(lines=0)
            running = await prepared.start()
        except (Rejected, Unavailable, OSError) as problem:
            logger.warning("run %s could not start: %s", run, problem)
            output.say(f"RONDO: the run could not start: {problem}")
            end = run_results.not_started(str(problem))
            return msgspec.structs.replace(end, lines=await output.close())
        live.running = running
        live.forked = time.monotonic()
        if running.new:
            logger.info("run %s is a new interpreter: %s", run, running.new)
        if live.killed:
            await running.stop("killed")
        await output.pump(running.stdout, running.stderr)
        if reason := self._backend.explain(output.last_words):
            output.say(reason)
        logged = asyncio.create_task(output.close())
        outcome = await running.wait()
        exited = time.monotonic()
        end = run_results.finished(outcome, await logged, live.timing(output.first_at, exited))
        own = "" if running.new else running.left
        return msgspec.structs.replace(end, new_interpreter=running.new, own_imports=own)

    async def _prepared(
        self, fact: Recorded, event: RunRequested, run: UUID, live: ActiveRun
    ) -> Prepared:
        spec = await retry(lambda: self._spec(fact, event, run, live), _START_PATIENCE)
        return await self._backend.prepare(spec)

    async def _spec(
        self, fact: Recorded, event: RunRequested, run: UUID, live: ActiveRun
    ) -> RunSpec:
        workspace = fact.stream.workspace
        task = await self.orders.task(workspace, event.task)
        live.killed = live.killed or task.status in ("pending_kill", "killed")
        orchestration = await self.orders.orchestration(workspace, task.orchestration)
        spec = await self._spec_of(orchestration, run, live.slot)
        self.orders.forget(task)
        return msgspec.structs.replace(
            spec,
            task_id=task.id,
            arguments=msgspec.json.encode(task.arguments),
            files=await self._owners.login(task, run),
            timeout=task.timeout,
            grace=GRACE if task.grace is None else task.grace,
            mode=task.mode if self._settings.mode == "fork" and task.mode else spec.mode,
        )

    async def _spec_of(self, orchestration: Orchestration, run: UUID, slot: int) -> RunSpec:
        environment = self._settings.environments / orchestration.environment
        if not environment.exists():
            raise Unavailable("its environment is not there; the packager makes it again")
        return RunSpec(
            run_id=run,
            task_id=run,
            slot=slot,
            python=environment / "bin" / "python",
            code=await self._code.tree(orchestration),
            entrypoint=orchestration.entrypoint,
            variables={**self._settings.variables, "RONDO_RUN_ID": str(run)},
            mode=self._settings.mode,
        )

    async def _append_end(
        self, fact: Recorded, run: runs.HasStatus, end: RunFinished, version: int
    ) -> None:
        """Tries until the run, which was so at `version`, has an end in the log: this or another's.

        It is decided anew where the run has moved on, so what was closed meanwhile stays as it was.
        """
        tries = 0
        while True:
            try:
                return await self._finish(fact, run, end, version)
            except Unavailable as problem:
                logger.warning("the end of run %s waits: %s", fact.stream.id, problem)
            await back_off(tries)
            tries += 1

    async def _finish(
        self, fact: Recorded, run: runs.HasStatus, end: RunFinished, version: int
    ) -> None:
        why = fact.because(SOURCE)
        for event in runs.finish(run, end):
            try:
                await self._log.append(Proposed(fact.stream, version, event), why)
            except WrongVersion:
                again = partial(runs.finish, end=end)
                await transact(self._log, fact.stream, runs.evolve, again, why)

    async def _abandon(
        self,
        fact: Recorded,
        live: ActiveRun,
        executing: "asyncio.Task[RunFinished]",
        output: Output,
    ) -> None:
        """We are told to stop: the run ends with us, and the log says so.

        What it prints meanwhile is still read: it belongs to its log (I5).
        """
        asked = live.killed
        if live.running is None:
            executing.cancel()
        await live.kill(self._settings.stop_grace)
        await asyncio.wait([executing])
        if executing.cancelled() or executing.exception():
            end = run_results.stopped(await output.close())
        elif (end := executing.result()).reason == "killed" and not asked:
            end = run_results.stopped(end.lines, end)
        await self._append_end(fact, live, end, live.version)

    def kill(self, task: UUID) -> None:
        """Of a task that is to be killed no run goes on."""
        for live in self._live.values():
            if live.task == task:
                self._do(live.kill())

    def warm(self, workspace: int, orchestration: UUID) -> None:
        """Get ready for runs of it."""
        self._do(self._warm(workspace, orchestration))

    async def _warm(self, workspace: int, id: UUID) -> None:
        try:
            orchestration = await self.orders.orchestration(workspace, id)
            await self._backend.warm(await self._spec_of(orchestration, uuid4(), slot=0))
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
