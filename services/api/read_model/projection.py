"""The projection: one row an aggregate, whose `state` the domain folds from its events.

It has no rule of its own, so rows and domain can't disagree (docs/adr/0003).
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import msgspec

from libs.domain import run
from libs.domain.ids import Aggregate
from libs.domain.registry import AGGREGATES
from libs.domain.run_end import ENDED, tries_used
from libs.eventlog.envelope import Recorded
from libs.postgres.pool import Connection
from libs.postgres.statements import load
from services.api.read_model import columns

SCHEMA = "api_v3"
TABLES_ONLY = 1  # how many migrations it takes to write rows; the others are for reading them

_SQL = load(__name__)
_encode = msgspec.json.Encoder().encode  # a user's data keeps its order


@dataclass(frozen=True)
class Table:
    """How an aggregate becomes rows; `columns` are the columns that only its own table has."""

    key: Callable[[str], object]
    columns: Callable[[Any], tuple[object, ...]]
    read: str
    write: str


TABLES: dict[Aggregate, Table] = {
    "workspace": Table(int, columns.workspace, _SQL["read_workspaces"], _SQL["write_workspaces"]),
    "connection": Table(
        str, columns.connection, _SQL["read_connections"], _SQL["write_connections"]
    ),
    "orchestration": Table(
        str, columns.orchestration, _SQL["read_orchestrations"], _SQL["write_orchestrations"]
    ),
    "task": Table(str, columns.task, _SQL["read_tasks"], _SQL["write_tasks"]),
    "run": Table(str, columns.run, _SQL["read_runs"], _SQL["write_runs"]),
    "model": Table(str, columns.model, _SQL["read_models"], _SQL["write_models"]),
    "model_version": Table(
        str, columns.model_version, _SQL["read_model_versions"], _SQL["write_model_versions"]
    ),
    "pipeline": Table(str, columns.pipeline, _SQL["read_pipelines"], _SQL["write_pipelines"]),
    "pipeline_version": Table(
        str,
        columns.pipeline_version,
        _SQL["read_pipeline_versions"],
        _SQL["write_pipeline_versions"],
    ),
    "deployment": Table(
        str, columns.deployment, _SQL["read_deployments"], _SQL["write_deployments"]
    ),
    "tag": Table(str, columns.tag, _SQL["read_tags"], _SQL["write_tags"]),
}


# What these create has no row yet.
_CREATING = tuple(one.created_by for one in AGGREGATES.values() if not one.begins_again)
_DECODE: dict[Aggregate, Callable[[bytes], Any]] = {
    name: msgspec.json.Decoder(AGGREGATES[name].state).decode for name in TABLES
}


class _Row(NamedTuple):
    created_seq: int
    updated_seq: int
    state: Any


_NONE = _Row(0, 0, None)


class ViewsProjection:
    """The projection of the protocol in libs/eventlog/project.py. It keeps nothing in memory."""

    name = "views"

    async def load(self, connection: Connection) -> None:
        pass

    def received(self, batch: Sequence[Recorded]) -> None:
        pass

    async def apply(self, connection: Connection, fresh: Sequence[Recorded]) -> None:
        facts: defaultdict[Aggregate, list[Recorded]] = defaultdict(list)
        for fact in fresh:
            if fact.stream.aggregate in TABLES:
                facts[fact.stream.aggregate].append(fact)
        for aggregate in TABLES:  # a run's row has something of its task's
            if facts[aggregate]:
                changed = await _update(connection, aggregate, facts[aggregate])
                if aggregate == "run":
                    await _spend(connection, changed)

    def applied(self, batch: Sequence[Recorded]) -> None:
        pass


async def _update(
    connection: Connection, aggregate: Aggregate, facts: Sequence[Recorded]
) -> list[Any]:
    """Write the rows of one kind of aggregate, and return their new states."""
    table, evolve = TABLES[aggregate], AGGREGATES[aggregate].evolve
    states = await _load(connection, aggregate, _older(facts))
    for fact in facts:
        row = states.get(fact.stream.id, _NONE)
        if fact.seq > row.updated_seq:  # else it came twice
            state = evolve(row.state, fact)
            states[fact.stream.id] = _Row(row.created_seq or fact.seq, fact.seq, state)
    await connection.execute(table.write, *_transposed(table, states))
    return [row.state for row in states.values()]


def _older(facts: Sequence[Recorded]) -> set[str]:
    """Ids of aggregates from before this batch; the others have all their events in it."""
    created = {fact.stream.id for fact in facts if isinstance(fact.event, _CREATING)}
    return {fact.stream.id for fact in facts} - created


async def _load(
    connection: Connection, aggregate: Aggregate, ids: Iterable[str]
) -> dict[str, _Row]:
    table, decode = TABLES[aggregate], _DECODE[aggregate]
    keys = [table.key(id) for id in ids]
    records = await connection.fetch(table.read, keys) if keys else []
    return {
        str(row["id"]): _Row(row["created_seq"], row["updated_seq"], decode(row["state"]))
        for row in records
    }


async def _spend(connection: Connection, runs: Iterable[run.Run]) -> None:
    ended = [
        (state.task, tries_used(state.status, state.attempt))
        for state in runs
        if state.status in ENDED
    ]
    if ended:
        await connection.execute(_SQL["spend_tasks"], *map(list, zip(*ended, strict=True)))


def _transposed(table: Table, states: dict[str, _Row]) -> Iterable[list[object]]:
    """One list for each column, as unnest takes them."""
    whole = [
        (
            table.key(id),
            row.created_seq,
            row.updated_seq,
            _encode(row.state),
            *table.columns(row.state),
        )
        for id, row in states.items()
    ]
    return map(list, zip(*whole, strict=True))
