"""The ways in which a run of ours ends, as the log has them. Pure."""

import msgspec

from libs.domain.events import RunFinished, Usage
from libs.domain.run_end import ended
from services.executor.backend import Outcome


def not_started(detail: str) -> RunFinished:
    return ended("failure", "start_failed", detail=detail, lines=0)


def bug() -> RunFinished:
    return ended(
        "failure", "internal_error", detail="the executor failed while it ran; its log says how"
    )


def killed(lines: int) -> RunFinished:
    return ended("killed", "killed", lines=lines)


def stopped(lines: int | None, end: RunFinished | None = None) -> RunFinished:
    """Our own end was the run's; `end` is what else is known of it."""
    detail = "the executor was shut down while it ran"
    ours = ended("failure", "executor_stopped", detail=detail, lines=lines)
    if end is None:
        return ours
    return msgspec.structs.replace(
        end, status=ours.status, reason=ours.reason, detail=detail, lines=lines
    )


def finished(outcome: Outcome, lines: int, timing: dict[str, float]) -> RunFinished:
    return ended(
        outcome.status,
        outcome.reason,
        detail=outcome.detail,
        exit_code=outcome.exit_code,
        lines=lines,
        usage=Usage(cpu_seconds=round(outcome.cpu_seconds, 6), max_rss_bytes=outcome.max_rss_bytes),
        timing=timing,
    )
