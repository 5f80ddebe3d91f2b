"""From RunRequested to RunFinished: claim, start, watch, finish, kill.

A run is claimed by appending RunStarted right after its RunRequested: of all executors one can.
Only then is its task read. A kill that came before is seen there; one that comes later finds the
run among ours. So after TaskKilled nothing of the task lives or starts (I7).
"""

import asyncio
import logging
import time
from pathlib import Path
from uuid import UUID

import msgspec

from libs.domain import orchestration as orchestrations
from libs.domain import run as runs
from libs.domain import task as tasks
from libs.domain.errors import Rejected, Unavailable
from libs.domain.events import RunFinished, RunRequested, RunStarted, TaskKillRequested, Usage
from libs.domain.history import fold
from libs.domain.ids import StreamId, orchestration_stream, task_stream
from libs.domain.orchestration import Orchestration
from libs.domain.task import Task
from libs.eventlog.envelope import Recorded
from libs.eventlog.log import EventLog, Proposed, WrongVersion
from libs.eventlog.transact import load, transact
from libs.eventlog.wire import Nats, back_off, patiently
from libs.runtoken.token import RunTokens
from services.executor.backend import Backend, Mode, Outcome, Running, RunSpec
from services.executor.code import Code
from services.executor.output import Output
from services.executor.token import login

logger = logging.getLogger(__name__)

SOURCE = "executor"
_REMEMBERED = 10_000
_START_PATIENCE = 60.0


class Live:
    """A run of ours, from its claim to its end."""

    def __init__(self, stream: StreamId, task: UUID, slot: int) -> None:
        self.stream = stream
        self.task = task
        self.slot = slot
        self.killed = False
        self.running: Running | None = None
        self.claimed = time.monotonic()
        self.forked: float | None = None

    def timing(self, first_line: float | None, exited: float) -> dict[str, float]:
        """See RunFinished; `logged` is now."""
        times = {"forked": self.forked, "first_line": first_line, "exited": exited}
        times["logged"] = time.monotonic()
        return {name: round(at - self.claimed, 6) for name, at in times.items() if at is not None}

    async def kill(self) -> None:
        self.killed = True
        if self.running is not None:
            await self.running.stop("killed")


class Settings(msgspec.Struct, frozen=True):
    """`variables` are set for every task."""

    executor: str
    slots: int
    environments: Path
    variables: dict[str, str]
    mode: Mode = "fork"


class Runs:
    def __init__(
        self,
        settings: Settings,
        backend: Backend,
        log: EventLog,
        nats: Nats,
        code: Code,
        tokens: RunTokens,
    ) -> None:
        self._settings = settings
        self._backend = backend
        self._log = log
        self._nats = nats
        self._code = code
        self._tokens = tokens
        self._live: dict[UUID, Live] = {}
        self._slots = set(range(settings.slots))
        self._ready: dict[UUID, Orchestration] = {}

    async def handle(self, fact: Recorded) -> "asyncio.Future[None] | None":
        """Claims what is asked for; what it gives back is the run, to be waited for."""
        if not isinstance(fact.event, RunRequested):
            return None
        if not await self._claim(fact):
            return None
        run = UUID(fact.stream.id)
        live = self._live[run] = Live(fact.stream, fact.event.task, self._slots.pop())
        return asyncio.ensure_future(self._run(fact, fact.event, run, live))

    async def _claim(self, fact: Recorded) -> bool:
        state = fold(runs.evolve, [fact])
        if state is None:
            return False
        (event,) = runs.start(state, self._settings.executor)
        try:
            await self._log.append(Proposed(fact.stream, fact.seq, event), fact.because(SOURCE))
        except WrongVersion:
            await self._close_interrupted(fact)
            return False
        return True

    async def _close_interrupted(self, fact: Recorded) -> None:
        """A claim of ours whose acknowledgement we never saw: nobody else will end that run."""
        last = await self._log.last(fact.stream)
        if (
            last is not None
            and last.event == RunStarted(executor=self._settings.executor)
            and UUID(fact.stream.id) not in self._live
        ):
            await self._append_end(fact.stream, _not_started("its start was interrupted"), fact)

    async def _run(self, fact: Recorded, event: RunRequested, run: UUID, live: Live) -> None:
        output = Output(self._nats, fact.stream.workspace, event.task, run)
        try:
            end = await self._executed(fact, event, run, live, output)
            await self._append_end(fact.stream, end, fact)
        except asyncio.CancelledError:
            await asyncio.shield(self._abandon(fact, live, output))
            raise
        except Exception:
            logger.exception("run %s: a bug of ours", run)
            await live.kill()
            await self._append_end(fact.stream, _bug(), fact)
        finally:
            del self._live[run]
            self._slots.add(live.slot)

    async def _executed(
        self, fact: Recorded, event: RunRequested, run: UUID, live: Live, output: Output
    ) -> RunFinished:
        try:
            spec = await patiently(lambda: self._spec(fact, event, run, live), _START_PATIENCE)
            if live.killed:
                return _killed(lines=0)
            running = await self._backend.start(spec)
        except (Rejected, Unavailable, OSError) as problem:
            logger.warning("run %s could not start: %s", run, problem)
            output.say(f"RONDO: the run could not start: {problem}")
            end = _not_started(str(problem))
            return msgspec.structs.replace(end, lines=await output.close())
        live.running = running
        live.forked = time.monotonic()
        if running.new:
            logger.info("run %s is a new interpreter: %s", run, running.new)
        if live.killed:
            await running.stop("killed")
        await output.pump(running.stdout, running.stderr)
        logged = asyncio.create_task(output.close())
        outcome = await running.wait()
        exited = time.monotonic()
        return _finished(outcome, await logged, live.timing(output.first_at, exited))

    async def _spec(self, fact: Recorded, event: RunRequested, run: UUID, live: Live) -> RunSpec:
        workspace = fact.stream.workspace
        task, _ = await load(self._log, task_stream(workspace, event.task), tasks.evolve)
        live.killed = live.killed or task.status in ("pending_kill", "killed")
        orchestration = await self._orchestration(workspace, task)
        environment = self._settings.environments / orchestration.environment
        if not environment.exists():
            raise Unavailable("its environment is not there; the packager makes it again")
        return RunSpec(
            run_id=run,
            task_id=task.id,
            slot=live.slot,
            python=environment / "bin" / "python",
            code=await self._code.tree(orchestration),
            entrypoint=orchestration.entrypoint,
            arguments=msgspec.json.encode(task.arguments),
            variables={**self._settings.variables, "RONDO_RUN_ID": str(run)},
            files=login(self._tokens, task, run),
            timeout=task.timeout,
            mode=self._settings.mode,
        )

    async def _orchestration(self, workspace: int, task: Task) -> Orchestration:
        """A packaged orchestration never changes, so one reading of it is enough."""
        known = self._ready.get(task.orchestration)
        if known is None:
            stream = orchestration_stream(workspace, task.orchestration)
            loaded, _ = await load(self._log, stream, orchestrations.evolve)
            if len(self._ready) >= _REMEMBERED:
                self._ready.clear()
            known = self._ready[task.orchestration] = loaded
        return known

    async def _append_end(self, stream: StreamId, end: RunFinished, fact: Recorded) -> None:
        """Tries until it is in the log; a run that was closed meanwhile stays as it was closed."""
        tries = 0
        while True:
            try:
                await transact(
                    self._log,
                    stream,
                    runs.evolve,
                    lambda state: runs.finish(state, end),
                    fact.because(SOURCE),
                )
            except Unavailable as problem:
                logger.warning("the end of run %s waits: %s", stream.id, problem)
            else:
                return
            await back_off(tries)
            tries += 1

    async def _abandon(self, fact: Recorded, live: Live, output: Output) -> None:
        """We are told to stop: the run ends with us, and the log says so."""
        await live.kill()
        end = RunFinished(
            status="failure",
            reason="executor_stopped",
            detail="the executor was shut down while it ran",
            lines=await output.close(),
        )
        await self._append_end(fact.stream, end, fact)

    async def watch_kills(self, after: int) -> None:
        """For ever: stops the runs of tasks that are to be killed, from an event's place on."""
        async for batch in self._log.follow(after, ("event.*.task.*",)):
            for fact in batch:
                if isinstance(fact.event, TaskKillRequested):
                    await self._kill(UUID(fact.stream.id))

    async def stop_closed(self) -> None:
        """After others may have taken us for dead: what they have closed must not go on."""
        for live in list(self._live.values()):
            last = await self._log.last(live.stream)
            if last is not None and isinstance(last.event, RunFinished):
                logger.warning("run %s was closed while we were away", live.stream.id)
                await live.kill()

    async def _kill(self, task: UUID) -> None:
        await asyncio.gather(*(live.kill() for live in self._live.values() if live.task == task))


def _not_started(detail: str) -> RunFinished:
    return RunFinished(status="failure", reason="start_failed", detail=detail, lines=0)


def _bug() -> RunFinished:
    return RunFinished(
        status="failure",
        reason="internal_error",
        detail="the executor failed while it ran; its log says how",
    )


def _killed(lines: int) -> RunFinished:
    return RunFinished(status="killed", reason="killed", lines=lines)


def _finished(outcome: Outcome, lines: int, timing: dict[str, float]) -> RunFinished:
    return RunFinished(
        status=outcome.status,
        reason=outcome.reason,
        detail=outcome.detail,
        exit_code=outcome.exit_code,
        lines=lines,
        usage=Usage(cpu_seconds=round(outcome.cpu_seconds, 6), max_rss_bytes=outcome.max_rss_bytes),
        timing=timing,
    )
