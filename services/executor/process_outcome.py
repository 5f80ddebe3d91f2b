"""How a process that is a run ended, as an Outcome. Pure. `status` is as from wait(2)."""

import os
import signal

from libs.domain import run_end
from libs.domain.run_end import Verdict
from services.executor.backend import Outcome

# Why a run is ended: said once, before it is done.
KILLED = run_end.killed("killed on request")
TIMED_OUT = run_end.timeout()


def start_failed(detail: str) -> Outcome:
    """Of what never became the user's program."""
    return bare(run_end.start_failed(f"could not be started: {detail}"))


def bare(verdict: Verdict) -> Outcome:
    """With nothing known of its process."""
    return Outcome(verdict.status, verdict.reason, verdict.detail)


def by_itself(status: int) -> Verdict:
    """Of a main process that nobody ended."""
    code = os.waitstatus_to_exitcode(status)
    return run_end.signal(_name(-code)) if code < 0 else run_end.exited(code)


def outcome(verdict: Verdict, status: int, cpu_seconds: float, max_rss_bytes: int) -> Outcome:
    """With what is known of its process."""
    code = os.waitstatus_to_exitcode(status)
    return Outcome(
        verdict.status,
        verdict.reason,
        verdict.detail,
        exit_code=code if code >= 0 else None,
        signal=_name(-code) if code < 0 else None,
        cpu_seconds=cpu_seconds,
        max_rss_bytes=max_rss_bytes,
    )


def _name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:  # a real-time signal
        return f"signal {number}"
