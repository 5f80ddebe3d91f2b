"""How a run ended, in the words that everybody else uses. Pure."""

import os
import signal

import msgspec

from libs.domain.events import RunEnd
from libs.domain.run_end import Reason
from services.executor.backend import Outcome
from services.executor.local.protocol import Ended


class Verdict(msgspec.Struct, frozen=True):
    """Why we ended a run: said once, before it is done."""

    status: RunEnd
    reason: Reason
    detail: str


KILLED = Verdict("killed", "killed", "killed on request")
TIMED_OUT = Verdict("timed_out", "timeout", "ran longer than its timeout")
DISK_QUOTA = Verdict("failure", "disk_quota", "its files took more disk space than it may use")
_LOST = Verdict(
    "failure",
    "launcher_lost",
    "the process that watched over it was killed, or its executor stood still for too long",
)
_NO_MEMORY = Verdict("failure", "out_of_memory", "used more memory than it may")


def outcome(ended: Ended | None, failed: str, asked: Verdict | None) -> Outcome:
    """`ended` is what the shim said, `failed` the child; `asked` is why we told it to stop."""
    if ended is None:
        return _judged(_start_failed(failed) if failed else asked or _LOST)
    if failed:
        return _judged(_start_failed(failed), ended)
    if ended.cause == "stop" and asked:
        return _judged(asked, ended)
    if ended.cause == "lost":
        return _judged(_LOST, ended)
    verdict = _by_itself(os.waitstatus_to_exitcode(ended.status))
    if verdict.status == "failure" and ended.oom_kills:
        verdict = _NO_MEMORY
    return _judged(verdict, ended)


def _start_failed(detail: str) -> Verdict:
    return Verdict("failure", "start_failed", f"could not be started: {detail}")


def _by_itself(code: int) -> Verdict:
    if code < 0:
        return Verdict("failure", "signal", f"ended by {_name(-code)}")
    return Verdict("failure" if code else "success", "exited", f"ended with exit code {code}")


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
