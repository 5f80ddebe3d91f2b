"""Every statement on the views, named. Lists take the workspaces that their reader may see (I8)."""

from collections.abc import Sequence
from typing import Any, Protocol
from uuid import UUID

import msgspec

from libs.domain.connection import Connection
from libs.domain.orchestration import Orchestration
from libs.domain.run import Run
from libs.domain.task import Task
from libs.domain.workspace import Workspace

WORKSPACE = msgspec.json.Decoder(Workspace)
CONNECTION = msgspec.json.Decoder(Connection)
ORCHESTRATION = msgspec.json.Decoder(Orchestration)
TASK = msgspec.json.Decoder(Task)
RUN = msgspec.json.Decoder(Run)

# The projection: the states as they are, and as they have become.
READ_WORKSPACES = """
SELECT id, created_seq, updated_seq, state FROM workspace WHERE id = ANY ($1::bigint[])"""
READ_CONNECTIONS = """
SELECT id, created_seq, updated_seq, state FROM connection WHERE id = ANY ($1::uuid[])"""
READ_ORCHESTRATIONS = """
SELECT id, created_seq, updated_seq, state FROM orchestration WHERE id = ANY ($1::uuid[])"""
READ_TASKS = """
SELECT id, created_seq, updated_seq, state FROM task WHERE id = ANY ($1::uuid[])"""
READ_RUNS = """
SELECT id, created_seq, updated_seq, state FROM run WHERE id = ANY ($1::uuid[])"""
WRITE_WORKSPACES = """
INSERT INTO workspace (id, created_seq, updated_seq, state, name, members)
SELECT id, created_seq, updated_seq, state, name, string_to_array(members, ',')
FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bytea[], $5::text[], $6::text[])
    AS new (id, created_seq, updated_seq, state, name, members)
ON CONFLICT (id) DO UPDATE SET updated_seq = excluded.updated_seq, state = excluded.state,
    name = excluded.name, members = excluded.members"""
WRITE_CONNECTIONS = """
INSERT INTO connection
    (id, created_seq, updated_seq, state, name, created_by, workspaces, deleted)
SELECT id, created_seq, updated_seq, state, name, created_by,
    string_to_array(workspaces, ',')::bigint[], deleted
FROM unnest($1::uuid[], $2::bigint[], $3::bigint[], $4::bytea[],
    $5::text[], $6::text[], $7::text[], $8::boolean[])
    AS new (id, created_seq, updated_seq, state, name, created_by, workspaces, deleted)
ON CONFLICT (id) DO UPDATE SET updated_seq = excluded.updated_seq, state = excluded.state,
    workspaces = excluded.workspaces, deleted = excluded.deleted"""
WRITE_ORCHESTRATIONS = """
INSERT INTO orchestration (id, created_seq, updated_seq, state, workspace, owner, sha)
SELECT * FROM unnest($1::uuid[], $2::bigint[], $3::bigint[], $4::bytea[],
    $5::bigint[], $6::text[], $7::text[])
ON CONFLICT (id) DO UPDATE SET updated_seq = excluded.updated_seq, state = excluded.state"""
WRITE_TASKS = """
INSERT INTO task (id, created_seq, updated_seq, state, workspace, orchestration, status)
SELECT * FROM unnest($1::uuid[], $2::bigint[], $3::bigint[], $4::bytea[],
    $5::bigint[], $6::uuid[], $7::text[])
ON CONFLICT (id) DO UPDATE SET updated_seq = excluded.updated_seq, state = excluded.state,
    status = excluded.status"""
WRITE_RUNS = """
INSERT INTO run (id, created_seq, updated_seq, state, task, status)
SELECT * FROM unnest($1::uuid[], $2::bigint[], $3::bigint[], $4::bytea[], $5::uuid[], $6::text[])
ON CONFLICT (id) DO UPDATE SET updated_seq = excluded.updated_seq, state = excluded.state,
    status = excluded.status"""


class Rows(Protocol):
    """A database, or a snapshot of it."""

    async def fetch(self, query: str, *args: Any) -> list[Any]: ...
    async def fetchrow(self, query: str, *args: Any) -> Any: ...
    async def fetchval(self, query: str, *args: Any) -> Any: ...


class TaskRow(msgspec.Struct, frozen=True):
    """A task with what is shown beside it; `runs` are its newest that have begun, newest first."""

    task: Task
    sha: str
    orchestration_owner: str
    has_runs: bool
    runs: list[Run]


async def workspace(rows: Rows, id: int) -> Workspace | None:
    state = await rows.fetchval("SELECT state FROM workspace WHERE id = $1", id)
    return WORKSPACE.decode(state) if state else None


async def workspaces(rows: Rows, member: str | None) -> list[Workspace]:
    """Those of one member, or all; in the order of their ids."""
    found = await rows.fetch(
        "SELECT state FROM workspace WHERE $1::text IS NULL OR $1 = ANY (members) ORDER BY id",
        member,
    )
    return [WORKSPACE.decode(row["state"]) for row in found]


async def workspaces_named(rows: Rows, start: str, creator: str) -> list[Workspace]:
    """Those whose name begins so, made by one who is still a member; oldest first."""
    found = await rows.fetch(
        "SELECT state FROM workspace WHERE name ^@ $1 AND $2 = ANY (members) ORDER BY id",
        start,
        creator,
    )
    states = [WORKSPACE.decode(row["state"]) for row in found]
    return [state for state in states if state.created_by == creator]


async def workspace_id_to_come(rows: Rows) -> int:
    return int(await rows.fetchval("SELECT coalesce(max(id), 0) + 1 FROM workspace"))


async def workspace_names(rows: Rows) -> frozenset[str]:
    return frozenset(row["name"] for row in await rows.fetch("SELECT name FROM workspace"))


async def connection(rows: Rows, id: UUID) -> Connection | None:
    """None too when it is deleted; so in all of these."""
    state = await rows.fetchval("SELECT state FROM connection WHERE id = $1 AND NOT deleted", id)
    return CONNECTION.decode(state) if state else None


async def connection_named(rows: Rows, name: str) -> Connection | None:
    query = "SELECT state FROM connection WHERE name = $1 AND NOT deleted"
    state = await rows.fetchval(query, name.replace("\0", "\ufffd"))  # Postgres takes no NUL
    return CONNECTION.decode(state) if state else None


async def connections(
    rows: Rows, creator: str | None, workspaces: Sequence[int] | None
) -> list[Connection]:
    """Those of a creator and those attached to any of `workspaces`, or all; oldest first."""
    found = await rows.fetch(
        """SELECT state FROM connection WHERE NOT deleted
        AND ($2::bigint[] IS NULL OR created_by = $1 OR workspaces && $2) ORDER BY created_seq""",
        creator,
        workspaces,
    )
    return [CONNECTION.decode(row["state"]) for row in found]


async def deleted_connections(rows: Rows) -> list[UUID]:
    return [row["id"] for row in await rows.fetch("SELECT id FROM connection WHERE deleted")]


async def orchestration(rows: Rows, id: UUID) -> Orchestration | None:
    state = await rows.fetchval("SELECT state FROM orchestration WHERE id = $1", id)
    return ORCHESTRATION.decode(state) if state else None


async def orchestrations(rows: Rows, workspaces: Sequence[int]) -> list[Orchestration]:
    """Oldest first."""
    found = await rows.fetch(
        "SELECT state FROM orchestration WHERE workspace = ANY ($1) ORDER BY created_seq",
        workspaces,
    )
    return [ORCHESTRATION.decode(row["state"]) for row in found]


# $1 is how many runs to show. A run that is asked for and has not begun is nothing to show yet.
_TASKS = """
SELECT task.state, sha, owner,
    EXISTS (SELECT FROM run WHERE run.task = task.id) AS has_runs,
    ARRAY (
        SELECT run.state FROM run WHERE run.task = task.id AND run.status <> 'requested'
        ORDER BY run.created_seq DESC LIMIT $1) AS runs
FROM task JOIN orchestration ON orchestration.id = task.orchestration
"""


async def task(rows: Rows, id: UUID, run_limit: int) -> TaskRow | None:
    row = await rows.fetchrow(_TASKS + "WHERE task.id = $2", run_limit, id)
    return _task_row(row) if row else None


async def tasks(
    rows: Rows,
    workspaces: Sequence[int],
    run_limit: int,
    *,
    killed: bool,
    orchestration: UUID | None = None,
    sha: str | None = None,
) -> list[TaskRow]:
    """Newest first: those that are killed, or those that are not."""
    query = """WHERE task.workspace = ANY ($2) AND (task.status = 'killed') = $3
        AND ($4::uuid IS NULL OR task.orchestration = $4) AND ($5::text IS NULL OR sha = $5)
        ORDER BY task.created_seq DESC"""
    found = await rows.fetch(_TASKS + query, run_limit, workspaces, killed, orchestration, sha)
    return [_task_row(row) for row in found]


async def task_ids_of_sha(rows: Rows, workspaces: Sequence[int], sha: str) -> list[UUID]:
    """The tasks of every upload of these bytes, newest first."""
    found = await rows.fetch(
        """SELECT task.id FROM task JOIN orchestration ON orchestration.id = task.orchestration
        WHERE sha = $1 AND task.workspace = ANY ($2) ORDER BY task.created_seq DESC""",
        sha,
        workspaces,
    )
    return [row["id"] for row in found]


async def run(rows: Rows, id: UUID) -> Run | None:
    """None too when it has not begun."""
    state = await rows.fetchval("SELECT state FROM run WHERE id = $1 AND status <> 'requested'", id)
    return RUN.decode(state) if state else None


async def runs(rows: Rows, task: UUID, status: str | None, limit: int) -> list[Run]:
    """A task's runs that have begun, the last to change first; of one status, or of all."""
    found = await rows.fetch(
        """SELECT state FROM run WHERE task = $1 AND status <> 'requested'
        AND ($2::text IS NULL OR status = $2) ORDER BY updated_seq DESC LIMIT $3""",
        task,
        status,
        limit,
    )
    return [RUN.decode(row["state"]) for row in found]


def _task_row(row: Any) -> TaskRow:
    return TaskRow(
        TASK.decode(row["state"]),
        row["sha"],
        row["owner"],
        row["has_runs"],
        [RUN.decode(state) for state in row["runs"]],
    )
