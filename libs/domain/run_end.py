"""How a run may end: every reason there is, and the statuses that go with it.

Executor and scheduler end runs by `ended`, so that the log holds no other combination. Readers of
the log must bear others: the earliest events say `exit_code` for `exited`.
"""

from collections.abc import Mapping
from typing import Any, Literal, get_args

from libs.domain.events import RunEnd, RunFinished

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


def ended(status: RunEnd, reason: Reason, **more: Any) -> RunFinished:
    """The end of a run; `more` are the other fields of RunFinished.

    Raises ValueError for a status that never goes with that reason, which is a fault of ours.
    """
    if status not in STATUSES[reason]:
        raise ValueError(f"no run is {status} for the reason {reason}")
    return RunFinished(status=status, reason=reason, **more)


def may_run_again(status: str, attempt: int, attempts: int) -> bool:
    """Whether a retry policy of `attempts` asks for one more run after this one's end."""
    return status in FAILED and attempt < attempts
