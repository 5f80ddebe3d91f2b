"""What a task costs while nobody claims its runs: as much with a day of them as with one."""

import msgspec

from services.scheduler.plan_items import PlannedTask
from tests.scheduler.story import TASK, Story, every, started

EVERY_SECOND = every(1, overlap="allow", misfire="all", misfire_cap=1000)


def row(story: Story) -> bytes:
    return msgspec.json.encode(story.plan.tasks[TASK])


def test_its_row_does_not_grow_with_its_open_runs() -> None:
    story = started(EVERY_SECOND)
    story.wait(1)
    story.settle()
    before = row(story)
    story.wait(900)
    story.settle()
    assert len(story.plan.open_runs(TASK)) == 901
    assert len(row(story)) == len(before)


def test_what_was_kept_of_a_task_is_read_by_its_old_names() -> None:
    """The names in the code have changed since; rows of the plan are not written anew for that."""
    story = started(EVERY_SECOND)
    story.wait(1)
    story.settle()
    state = msgspec.json.decode(row(story))
    assert {"last", "busy_until"} <= state.keys()
    assert msgspec.json.decode(row(story), type=PlannedTask) == story.plan.tasks[TASK]
