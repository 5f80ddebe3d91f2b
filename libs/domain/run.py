"""A task run: asked for, started at most once, ended exactly once."""

from datetime import datetime
from typing import Literal, Protocol, get_args
from uuid import UUID

import msgspec

from libs.domain.errors import Rejected
from libs.domain.events import RunEvent, RunFinished, RunRequested, RunStarted
from libs.domain.history import Happened, existing
from libs.domain.transitions import Transition, Transitions
from libs.domain.values import RunEnd, Usage

# A run that is only asked for is nothing to look at, unless that is what one looks for.
BegunStatus = Literal["running", RunEnd]
Status = Literal["requested", BegunStatus]
BEGUN: tuple[BegunStatus, ...] = get_args(BegunStatus)

TRANSITIONS: Transitions[Status] = Transitions(
    Transition(RunRequested, (), ("requested",)),
    Transition(RunStarted, ("requested",), ("running",)),
    Transition(RunFinished, ("requested", "running"), get_args(RunEnd)),
)


class Run(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """`scheduled_at` is the tick that it was requested for, `missed` counts the ticks
    before that it stands for. `lines` of its log are none where nobody can know; `timing` is as in
    RunFinished."""

    id: UUID
    task: UUID
    workspace: int
    scheduled_at: datetime
    attempt: int
    missed: int
    status: Status
    requested_at: datetime
    updated_at: datetime
    started_at: datetime | None = None
    finished_at: datetime | None = None
    executor: str = ""
    reason: str = ""
    detail: str = ""
    exit_code: int | None = None
    lines: int | None = None
    usage: Usage = Usage()
    timing: dict[str, float] = {}
    new_interpreter: str = ""
    own_imports: str = ""


def evolve(state: Run | None, fact: Happened) -> Run:
    """The run after one more of its events. ValueError for another's event, or a log that begins in
    the middle."""
    match fact.event:
        case RunRequested() as event:
            return Run(
                id=fact.stream.uuid,
                task=event.task,
                workspace=fact.stream.workspace,
                scheduled_at=event.scheduled_at,
                attempt=event.attempt,
                missed=event.missed,
                status="requested",
                requested_at=fact.at,
                updated_at=fact.at,
            )
        case RunStarted(executor=executor):
            return msgspec.structs.replace(
                existing(state, "RunStarted"),
                status="running",
                executor=executor,
                started_at=fact.at,
                updated_at=fact.at,
            )
        case RunFinished() as event:
            return msgspec.structs.replace(
                existing(state, "RunFinished"),
                status=event.status,
                reason=event.reason,
                detail=event.detail,
                exit_code=event.exit_code,
                lines=event.lines,
                usage=event.usage,
                timing=event.timing,
                new_interpreter=event.new_interpreter,
                own_imports=event.own_imports,
                finished_at=fact.at,
                updated_at=fact.at,
            )
        case other:
            raise ValueError(f"{type(other).__name__} is no event of a run")


def start(run: Run, executor: str) -> list[RunEvent]:
    """Who appends this may start user code; a second claim is refused, its own one too (I2).

    An executor that finds its own RunStarted can't know whether it got as far as starting the
    code before it was interrupted, so it must not start it again.
    """
    if not TRANSITIONS.allow(run.status, RunStarted):
        raise Rejected("conflict", f"run {run.id} is {run.status} already")
    return [RunStarted(executor=executor)]


class HasStatus(Protocol):
    """A run as far as its status is known: the whole of it, or what a service keeps of it."""

    @property
    def status(self) -> Status: ...


def finish(run: HasStatus, end: RunFinished) -> list[RunEvent]:
    """The first end counts: a run that was closed as lost stays so when its executor comes back."""
    return [end] if TRANSITIONS.allow(run.status, RunFinished) else []
