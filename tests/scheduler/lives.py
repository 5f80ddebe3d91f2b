"""Logs drawn by chance: several tasks of all kinds, looked at now and then, run, killed, paused."""

from collections.abc import Callable
from contextlib import suppress
from uuid import UUID, uuid5

import msgspec
from hypothesis import strategies as st

from libs.domain import task as tasks
from libs.domain.errors import Rejected
from libs.domain.events import OrchestrationFailed, RunStarted, TaskCreated, TaskEvent
from libs.domain.history import fold
from libs.domain.ids import orchestration_stream, run_stream, task_stream
from libs.domain.task import Task
from libs.domain.values import Retry, RunEnd
from services.scheduler import decide
from tests.scheduler.story import CONTINUOUS, ONCE, ORCHESTRATION, TASK, Story, end, every

BROKEN = UUID("5d1f5a0e-64f5-4f0c-9d35-3c64a3a1f0aa")
_RETRY = Retry(attempts=2, backoff=3)
ORDERS: list[TaskCreated] = [
    msgspec.structs.replace(ONCE, retry=_RETRY, arguments={"b": 1, "a": [2**60, 0.1, None, "ß"]}),
    msgspec.structs.replace(ONCE, orchestration=BROKEN),
    CONTINUOUS,
    msgspec.structs.replace(every(5, misfire="all"), retry=_RETRY),
    every(7, overlap="skip"),
    every(1, overlap="queue", zone="Europe/Berlin"),
]
TASKS = [uuid5(TASK, str(number)) for number in range(len(ORDERS))]


class Action(msgspec.Struct, frozen=True):
    """What happens after so many seconds to the task of a number (or its oldest open run)."""

    what: str
    seconds: int
    task: int


ACTIONS = st.lists(
    st.builds(
        Action,
        st.sampled_from(
            ["look"] * 4 + ["claim", "success", "failure"] * 2 + ["pause", "resume", "kill", "lose"]
        ),
        st.integers(0, 12),
        st.integers(0, len(ORDERS) - 1),
    ),
    min_size=5,
    max_size=60,
)
_DECISIONS: dict[str, Callable[[Task], list[TaskEvent]]] = {
    "pause": tasks.pause,
    "resume": tasks.resume,
    "kill": lambda task: tasks.kill(task, keep_logs=False),
}


def life(actions: list[Action]) -> Story:
    story = Story()
    for id, order in zip(TASKS, ORDERS, strict=True):
        story.task(order, id=id)
    story.packaged(ORCHESTRATION)
    story.tell(orchestration_stream(1, BROKEN), OrchestrationFailed(reason="no nunpy"))
    for action in actions:
        story.wait(action.seconds)
        _act(story, action)
    return story


def _act(story: Story, action: Action) -> None:
    id = TASKS[action.task]
    if action.what == "look":
        for each in TASKS:
            story.settle(each)
    elif action.what == "lose":
        for step in decide.lost_run_steps(story.plan, {"one"}):
            story.tell(step.proposed.stream, step.proposed.event)
    elif action.what in _DECISIONS:
        facts = [fact for fact in story.facts if fact.stream == task_stream(1, id)]
        task = fold(tasks.evolve, facts)
        assert task is not None
        with suppress(Rejected):
            story.task(*_DECISIONS[action.what](task), id=id)
    else:
        _of_a_run(story, id, action.what)


def _of_a_run(story: Story, task: UUID, what: str) -> None:
    open_runs = [(id, run) for id, run in story.plan.runs.items() if run.task == task]
    if not open_runs:
        return
    id, run = open_runs[0]
    if what == "claim" and not run.executor:
        story.tell(run_stream(1, id), RunStarted(executor="one"))
    elif what in ("success", "failure"):
        status: RunEnd = "success" if what == "success" else "failure"
        story.tell(run_stream(1, id), end(status))
