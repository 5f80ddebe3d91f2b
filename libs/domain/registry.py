"""The aggregates, once. Whatever treats all of them alike reads this list.

A new aggregate is a name in `ids.py`, its events in `events.py`, a file with its state, `evolve`
and decisions, and a line here.
"""

from collections.abc import Mapping
from typing import Any

import msgspec

from libs.domain import (
    connection,
    deployment,
    model,
    model_version,
    orchestration,
    pipeline,
    pipeline_version,
    run,
    subscription,
    tag,
    task,
    workspace,
)
from libs.domain.events import EVENT_TYPES, Event
from libs.domain.history import Evolve
from libs.domain.ids import PLATFORM_WIDE, Aggregate
from libs.domain.transitions import Transitions


class AggregateType(msgspec.Struct, frozen=True):
    """`state` is what `evolve` makes of its events; `events` begin with the one that creates it.

    `transitions` is the table of its statuses, none where it has none. What `begins_again` may be
    created by several events: it was deleted before, or goes on in another way.
    """

    name: Aggregate
    state: type[Any]
    evolve: Evolve[Any]
    transitions: Transitions[Any] | None = None
    begins_again: bool = False

    @property
    def events(self) -> tuple[type[Event], ...]:
        """Their types, in the order of events.py; the first one creates it."""
        return tuple(kind for kind in EVENT_TYPES if self.name == kind.AGGREGATE)

    @property
    def created_by(self) -> type[Event]:
        """The event that an aggregate begins with."""
        return self.events[0]

    @property
    def members_read(self) -> bool:
        """Whether its events lie in a workspace, whose members read and subscribe to them; the
        others are for administrators."""
        return self.name not in PLATFORM_WIDE


# In the order in which documents show them, and in which rows are written: a run's row has
# something of its task's.
AGGREGATES: Mapping[Aggregate, AggregateType] = {
    one.name: one
    for one in (
        AggregateType("workspace", workspace.Workspace, workspace.evolve),
        AggregateType("connection", connection.Connection, connection.evolve),
        AggregateType(
            "orchestration",
            orchestration.Orchestration,
            orchestration.evolve,
            orchestration.TRANSITIONS,
        ),
        AggregateType("task", task.Task, task.evolve, task.TRANSITIONS),
        AggregateType("run", run.Run, run.evolve, run.TRANSITIONS),
        AggregateType(
            "subscription", subscription.Subscription, subscription.evolve, subscription.TRANSITIONS
        ),
        AggregateType("model", model.Model, model.evolve, begins_again=True),
        AggregateType(
            "model_version",
            model_version.ModelVersion,
            model_version.evolve,
            model_version.TRANSITIONS,
        ),
        AggregateType("pipeline", pipeline.Pipeline, pipeline.evolve, begins_again=True),
        AggregateType(
            "pipeline_version", pipeline_version.PipelineVersion, pipeline_version.evolve
        ),
        AggregateType(
            "deployment",
            deployment.Deployment,
            deployment.evolve,
            deployment.TRANSITIONS,
            begins_again=True,
        ),
        AggregateType("tag", tag.Tag, tag.evolve),
    )
}
