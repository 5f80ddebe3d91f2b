"""How a run ended, in the words that everybody else uses. Pure."""

import os
import signal

from libs.domain import run_end
from libs.domain.run_end import Verdict
from services.executor.backend import Outcome
from services.executor.local.protocol import Ended

# Why we end a run: said once, before it is done.
KILLED = run_end.killed("killed on request")
TIMED_OUT = run_end.timeout()
DISK_QUOTA = run_end.disk_quota()


def outcome(ended: Ended | None, failed: str, asked: Verdict | None) -> Outcome:
    """`ended` is what the shim said, `failed` the child; `asked` is why we told it to stop."""
    if ended is None:
        return _judged(_start_failed(failed) if failed else asked or run_end.launcher_lost())
    if failed:
        return _judged(_start_failed(failed), ended)
    if ended.cause == "stop" and asked:
        return _judged(asked, ended)
    if ended.cause == "lost":
        return _judged(run_end.launcher_lost(), ended)
    verdict = _by_itself(os.waitstatus_to_exitcode(ended.status))
    if verdict.status == "failure" and ended.oom_kills:
        verdict = run_end.out_of_memory()
    return _judged(verdict, ended)


def _start_failed(detail: str) -> Verdict:
    return run_end.start_failed(f"could not be started: {detail}")


def _by_itself(code: int) -> Verdict:
    return run_end.signal(_name(-code)) if code < 0 else run_end.exited(code)


def _judged(verdict: Verdict, ended: Ended | None = None) -> Outcome:
    if ended is None or verdict.reason in ("start_failed", "launcher_lost"):
        return Outcome(verdict.status, verdict.reason, verdict.detail)
    code = os.waitstatus_to_exitcode(ended.status)
    return Outcome(
        verdict.status,
        verdict.reason,
        verdict.detail,
        exit_code=code if code >= 0 else None,
        signal=_name(-code) if code < 0 else None,
        cpu_seconds=ended.cpu_seconds,
        max_rss_bytes=ended.max_rss_bytes,
    )


def _name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:  # a real-time signal
        return f"signal {number}"
