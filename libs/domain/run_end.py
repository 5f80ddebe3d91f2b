"""How a run may end: every reason there is, and the statuses that go with it.

Each reason has one constructor, which has its name. Executor and scheduler end runs by these alone,
so the log holds no other combination. Readers of the log must bear others: the earliest events say
`exit_code` for `exited`.
"""

from collections.abc import Mapping
from typing import Any, Literal, get_args

import msgspec

from libs.domain.events import RunFinished
from libs.domain.values import RunEnd

Reason = Literal[
    "exited",
    "signal",
    "timeout",
    "killed",
    "out_of_memory",
    "disk_quota",
    "start_failed",
    "launcher_lost",
    "executor_stopped",
    "executor_lost",
    "internal_error",
]

_OTHERS: Mapping[Reason, frozenset[RunEnd]] = {
    "exited": frozenset({"success", "failure"}),
    "timeout": frozenset({"timed_out"}),
    "killed": frozenset({"killed"}),
}
# Which statuses a reason may have: a failure, where nothing else is said.
STATUSES: Mapping[Reason, frozenset[RunEnd]] = {
    reason: _OTHERS.get(reason, frozenset({"failure"})) for reason in get_args(Reason)
}

ENDED: frozenset[RunEnd] = frozenset(get_args(RunEnd))
# After these a task that has tries left runs again.
FAILED: frozenset[RunEnd] = frozenset({"failure", "timed_out"})


class Verdict(msgspec.Struct, frozen=True):
    """Why a run ended; `detail` is a sentence for people."""

    status: RunEnd
    reason: Reason
    detail: str = ""

    def ended(self, **more: Any) -> RunFinished:
        """The event; `more` are its other fields."""
        return ended(self.status, self.reason, detail=self.detail, **more)


def exited(code: int) -> Verdict:
    """The script ran to its end, or ended itself: `code` is the exit code, 0 to 255."""
    return Verdict("failure" if code else "success", "exited", f"ended with exit code {code}")


def signal(name: str) -> Verdict:
    """A signal, such as SIGSEGV, that the platform did not send."""
    return Verdict("failure", "signal", f"ended by {name}")


def timeout() -> Verdict:
    """It ran for longer than its task's time-out, in seconds from when its script began."""
    return Verdict("timed_out", "timeout", "ran longer than its timeout")


def killed(detail: str = "") -> Verdict:
    """Its task was killed; without a detail where it had not begun."""
    return Verdict("killed", "killed", detail)


def out_of_memory() -> Verdict:
    """The kernel ended a process of it for want of memory."""
    return Verdict("failure", "out_of_memory", "used more memory than it may")


def disk_quota() -> Verdict:
    """Its files took more bytes than `Limits.disk_bytes` of the executor."""
    return Verdict("failure", "disk_quota", "its files took more disk space than it may use")


def start_failed(detail: str) -> Verdict:
    """Nothing of the script has run; `detail` says why."""
    return Verdict("failure", "start_failed", detail)


def launcher_lost(
    detail: str = "the process that watched over it was killed,"
    " or its executor stood still for too long",
) -> Verdict:
    """What watches over the run's processes is gone, and they are with it."""
    return Verdict("failure", "launcher_lost", detail)


def executor_stopped() -> Verdict:
    """The executor was told to end, and ended the run."""
    return Verdict("failure", "executor_stopped", "the executor was shut down while it ran")


def executor_lost() -> Verdict:
    """The executor vanished, and the scheduler closes its run (I6). Nobody knows the `lines`."""
    return Verdict(
        "failure",
        "executor_lost",
        "the executor that ran it vanished, so its last lines of log may be missing",
    )


def internal_error() -> Verdict:
    """A bug of the executor's."""
    return Verdict(
        "failure", "internal_error", "the executor failed while it ran; its log says how"
    )


def ended(status: RunEnd, reason: Reason, **more: Any) -> RunFinished:
    """The end of a run; `more` are the other fields of RunFinished.

    Raises ValueError for a status that never goes with that reason, which is a fault of ours.
    """
    if status not in STATUSES[reason]:
        raise ValueError(f"no run is {status} for the reason {reason}")
    return RunFinished(status=status, reason=reason, **more)


def tries_used(status: str, attempt: int) -> int | None:
    """How many tries an end has used up; none: all that there are, for only failures run again."""
    return attempt if status in FAILED else None


def may_run_again(status: str, attempt: int, attempts: int) -> bool:
    """Whether a retry policy of `attempts` asks for one more run after this one's end.

    The view of tasks asks the same of its rows (`spend_tasks` in its projection.sql).
    """
    used = tries_used(status, attempt)
    return used is not None and used < attempts
