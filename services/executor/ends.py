"""The ways in which a run of ours ends, as the log has them. Pure."""

import msgspec

from libs.domain.events import RunFinished, Usage
from services.executor.backend import Outcome


def not_started(detail: str) -> RunFinished:
    return RunFinished(status="failure", reason="start_failed", detail=detail, lines=0)


def bug() -> RunFinished:
    return RunFinished(
        status="failure",
        reason="internal_error",
        detail="the executor failed while it ran; its log says how",
    )


def killed(lines: int) -> RunFinished:
    return RunFinished(status="killed", reason="killed", lines=lines)


def stopped(lines: int | None, end: RunFinished | None = None) -> RunFinished:
    """Our own end was the run's; `end` is what else is known of it."""
    return msgspec.structs.replace(
        end or RunFinished(status="failure", reason=""),
        status="failure",
        reason="executor_stopped",
        detail="the executor was shut down while it ran",
        lines=lines,
    )


def finished(outcome: Outcome, lines: int, timing: dict[str, float]) -> RunFinished:
    return RunFinished(
        status=outcome.status,
        reason=outcome.reason,
        detail=outcome.detail,
        exit_code=outcome.exit_code,
        lines=lines,
        usage=Usage(cpu_seconds=round(outcome.cpu_seconds, 6), max_rss_bytes=outcome.max_rss_bytes),
        timing=timing,
    )
