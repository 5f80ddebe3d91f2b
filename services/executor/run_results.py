"""The ways in which a run of ours ends, as the log has them. Pure."""

import msgspec

from libs.domain import run_end
from libs.domain.events import RunFinished
from libs.domain.values import Usage
from services.executor.backend import Outcome


def not_started(detail: str) -> RunFinished:
    return run_end.start_failed(detail).ended(lines=0)


def bug() -> RunFinished:
    return run_end.internal_error().ended()


def killed(lines: int) -> RunFinished:
    return run_end.killed().ended(lines=lines)


def stopped(lines: int | None, end: RunFinished | None = None) -> RunFinished:
    """Our own end was the run's; `end` is what else is known of it."""
    ours = run_end.executor_stopped().ended(lines=lines)
    if end is None:
        return ours
    return msgspec.structs.replace(
        end, status=ours.status, reason=ours.reason, detail=ours.detail, lines=lines
    )


def finished(outcome: Outcome, lines: int, timing: dict[str, float]) -> RunFinished:
    return run_end.ended(
        outcome.status,
        outcome.reason,
        detail=outcome.detail,
        exit_code=outcome.exit_code,
        lines=lines,
        usage=Usage(cpu_seconds=round(outcome.cpu_seconds, 6), max_rss_bytes=outcome.max_rss_bytes),
        timing=timing,
        new_interpreter=outcome.new_interpreter,
        own_imports=outcome.own_imports,
    )
