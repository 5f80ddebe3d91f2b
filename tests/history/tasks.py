"""What may follow what in the life of a task: its orders, and what the scheduler makes of them."""

from collections.abc import Iterator, Sequence
from itertools import pairwise

from libs.eventlog.envelope import Recorded
from tests.history.finding import Finding, by_stream, names

_BEGUN = {"TaskCreated", "TaskStarted", "TaskResumed"}
_OVER = {"TaskFailed", "TaskCompleted"}
# What is the last that was told of it before; of none that is missing here is anything told.
_FOLLOWS: dict[str, set[str]] = {
    "TaskStarted": {"TaskCreated"},
    "TaskPauseRequested": {*_BEGUN, "TaskResumeRequested"},
    "TaskPaused": {"TaskPauseRequested"},
    "TaskResumeRequested": {"TaskPauseRequested", "TaskPaused"},
    "TaskResumed": {"TaskResumeRequested"},
    "TaskFailed": {*_BEGUN, "TaskPaused"},
    "TaskCompleted": {"TaskStarted", "TaskResumed"},
    "TaskKillRequested": {
        *_BEGUN,
        *_OVER,
        "TaskPauseRequested",
        "TaskPaused",
        "TaskResumeRequested",
    },
    "TaskKilled": {"TaskKillRequested"},
}
_OPEN = {"TaskPauseRequested", "TaskResumeRequested", "TaskKillRequested"}


def lives(events: Sequence[Recorded], quiet: bool) -> Iterator[Finding]:
    """Of every task; `quiet`: nothing is under way, so that what was asked for has come true."""
    for task, facts in by_stream(events, "task").items():
        about, told = f"task {task}", names(facts)
        if told[0] != "TaskCreated":
            yield Finding("log", about, f"begins with {told[0]}")
        for before, name in pairwise(told):
            if before not in _FOLLOWS.get(name, set()):
                yield Finding("log", about, f"{name} after {before}")
        if quiet and told[-1] in _OPEN:
            yield Finding("log", about, f"nothing has come of {told[-1]}")
