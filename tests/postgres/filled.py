"""Databases that are as full as a busy platform's, filled by the server itself in a few seconds.

Ids are made of numbers, so that a test can name any row: `uuid("run", 7)` is run 7.
"""

from dataclasses import dataclass
from datetime import date
from hashlib import md5
from uuid import UUID

from libs.identity import users
from libs.postgres.migrate import migrate
from libs.postgres.pool import Database
from libs.vault import vault
from services.api.read_model import projection
from services.inference.control import deployments
from services.inference.logs import worker as pipeline_logs
from services.logs import ingest, retention
from services.scheduler import plan_projection
from services.webhooks import projection as subscriptions

# Skewed, as platforms are: half of the runs are of task 1, of which few fail, and two thirds of the
# orchestrations in workspace 1; the rest is spread evenly.
_VIEWS = """
INSERT INTO workspace
SELECT i, i, i, repeat('w', 200)::bytea, 'workspace-' || i, ARRAY['user-' || i, 'user-' || i % 10]
FROM generate_series(1, 200) AS i;

INSERT INTO connection
SELECT md5('connection' || i)::uuid, i, i, repeat('c', 400)::bytea, 'connection-' || i,
    'user-' || i % 50, ARRAY[1 + i % 200]::bigint[], i % 20 = 0
FROM generate_series(1, 400) AS i;

INSERT INTO orchestration
SELECT md5('orchestration' || i)::uuid, i * 5, i * 5, repeat('o', 500)::bytea,
    CASE WHEN i <= 1000 THEN 1 + (i - 1) % 200 ELSE 1 END, 'user-' || i % 50, md5('sha' || i / 2),
    'title-' || i, i % 50 = 0
FROM generate_series(1, 3000) AS i;

INSERT INTO task
SELECT md5('task' || i)::uuid, i * 10, i * 10, repeat('t', 500)::bytea,
    1 + (i - 1) % 200, md5('orchestration' || 1 + (i - 1) % 3000)::uuid,
    CASE WHEN i % 10 = 5 THEN 'killed' ELSE 'started' END,
    CASE WHEN i % 10 = 0 THEN 'once' ELSE 'scheduled' END, 'task-' || i, i % 10 <> 5,
    CASE WHEN i % 10 = 0 THEN 1 END, i % 10 = 0
FROM generate_series(1, 5000) AS i;

INSERT INTO run
SELECT md5('run' || i)::uuid, i * 20, i * 20 + 5, repeat('r', 600)::bytea,
    md5('task' || of)::uuid, md5('orchestration' || 1 + (of - 1) % 3000)::uuid,
    1 + (of - 1) % 200,
    CASE WHEN i > 100000 - 100 THEN CASE WHEN i % 2 = 0 THEN 'requested' ELSE 'running' END
        WHEN i % 1000 = 0 THEN 'failure' WHEN i % 1000 = 500 THEN 'killed' ELSE 'success' END,
    timestamptz '2030-01-01Z' + i * interval '26 s',
    CASE WHEN i <= 100000 - 100 THEN
        timestamptz '2030-01-01Z' + i * interval '26 s' + 10 ^ (i % 5 - 1) * interval '1 s' END,
    CASE WHEN i <= 100000 - 100 THEN greatest(0, i % 5 - 1) ELSE 99 END
FROM (SELECT i, CASE WHEN i % 2 = 0 THEN 1 ELSE 1 + i * 7 % 5000 END AS of
    FROM generate_series(1, 100000) AS i) AS made;

INSERT INTO run_count SELECT workspace,
    count(*) FILTER (WHERE status = 'requested'), count(*) FILTER (WHERE status = 'running'),
    count(*) FILTER (WHERE status = 'success'), count(*) FILTER (WHERE status = 'failure'),
    0, count(*) FILTER (WHERE status = 'killed')
FROM run GROUP BY workspace;

INSERT INTO tag SELECT md5('tag' || i)::uuid, i, i, repeat('g', 200)::bytea, i,
    'user-' || i % 50, 'tag-' || i
FROM generate_series(1, 2000) AS i;

INSERT INTO model SELECT md5('model' || i)::uuid, i * 3, i * 3, repeat('m', 300)::bytea, i * 3,
    CASE WHEN i <= 1000 THEN 1 + (i - 1) % 200 ELSE 1 END, 'model-' || i, i % 50 = 0
FROM generate_series(1, 3000) AS i;

INSERT INTO model_version SELECT md5('version' || i)::uuid, i * 7, i * 7, repeat('v', 900)::bytea,
    i * 7, CASE WHEN of <= 1000 THEN 1 + (of - 1) % 200 ELSE 1 END, md5('model' || of)::uuid,
    'title-' || i, timestamptz '2030-01-01Z' + i * interval '1 min', ARRAY[i * 7, i * 7 + 1],
    CASE WHEN i % 500 = 0 THEN ARRAY[md5('tag' || i / 500)::uuid] ELSE '{}' END, i % 50 = 0
FROM (SELECT i, CASE WHEN i % 2 = 0 THEN 1 ELSE 1 + i * 7 % 3000 END AS of
    FROM generate_series(1, 10000) AS i) AS made;

INSERT INTO pipeline SELECT md5('pipeline' || i)::uuid, i * 3, i * 3, repeat('p', 300)::bytea,
    i * 3, CASE WHEN i <= 1000 THEN 1 + (i - 1) % 200 ELSE 1 END, 'pipeline-' || i,
    CASE WHEN i % 500 = 0 THEN ARRAY[md5('tag' || i / 500)::uuid] ELSE '{}' END, i % 60 = 0
FROM generate_series(1, 3000) AS i;

INSERT INTO pipeline_version SELECT md5('steps' || i)::uuid, i * 7, i * 7,
    repeat('s', 900)::bytea, i * 7, CASE WHEN of <= 1000 THEN 1 + (of - 1) % 200 ELSE 1 END,
    md5('pipeline' || of)::uuid, 'title-' || i,
    timestamptz '2030-01-01Z' + i * interval '1 min', i % 50 = 0
FROM (SELECT i, CASE WHEN i % 2 = 0 THEN 1 ELSE 1 + i * 7 % 3000 END AS of
    FROM generate_series(1, 10000) AS i) AS made;

INSERT INTO deployment SELECT md5('deployment' || i)::uuid, i * 9, i * 9 + 4,
    repeat('d', 2000)::bytea, i * 9, CASE WHEN i <= 1000 THEN 1 + (i - 1) % 200 ELSE 1 END,
    md5('pipeline' || i)::uuid, ARRAY[md5('version' || i)::uuid], i % 3 = 0
FROM generate_series(1, 3000) AS i
"""
_PLAN = """
INSERT INTO plan SELECT 'task', md5('task' || i)::uuid, repeat('t', 300)::bytea
FROM generate_series(1, 5000) AS i
"""
_LOGS = """
INSERT INTO run SELECT md5('run' || i)::uuid, md5('task' || 1 + i % 5000)::uuid, true, 1000
FROM generate_series(1, 100000) AS i;

INSERT INTO killed SELECT md5('task' || i)::uuid
FROM generate_series(5, 5000, 10) AS i;

INSERT INTO chunk SELECT md5('run' || 1 + i / 10)::uuid, i % 10 * 100, 100, 0, 0, 8000, 'zstd',
    md5('task' || 1 + (1 + i / 10) % 5000)::uuid, 1, repeat('x', 200)::bytea,
    date '2030-01-01' + i / 10 % 3
FROM generate_series(0, 30000 - 1) AS i
"""
_IDENTITY = """
INSERT INTO account (id, email, username, password, admin)
SELECT md5('account' || i)::uuid, 'User' || i || '@example.com', 'User' || i, repeat('h', 97),
    i = 1
FROM generate_series(1, 5000) AS i;

INSERT INTO service_token (id, digest, name, owner, workspaces)
SELECT md5('token' || i)::uuid, sha256(('token' || i)::bytea), 'token', md5('account' || i)::uuid,
    ARRAY[1]
FROM generate_series(1, 5000) AS i;

INSERT INTO browser_session (digest, account, expires_at)
SELECT sha256(('session' || i)::bytea), md5('account' || i)::uuid, now() + i * interval '1 s'
FROM generate_series(1, 5000) AS i;

INSERT INTO device (code, user_code, expires_at)
SELECT sha256(('device' || i)::bytea), 'code-' || i, now() + i * interval '1 s'
FROM generate_series(1, 2000) AS i
"""
_VAULT = """
INSERT INTO data_key SELECT md5('connection' || i)::uuid, repeat('k', 120)
FROM generate_series(1, 5000) AS i
"""
# In the life of a platform most subscriptions are deleted: of 20,000 webhooks, 500 are active and
# 1,500 paused. A tenth of the deliveries are of webhook 1, and half of the dead letters.
_WEBHOOKS = """
INSERT INTO subscription
SELECT md5('webhook' || i)::uuid, i, i, repeat('s', 400)::bytea, 1 + i % 200, 'webhook', i,
    i > 500, i > 2000
FROM generate_series(1, 20000) AS i;

INSERT INTO subscription
SELECT md5('nats' || i)::uuid, 20000 + i, 20000 + i, repeat('s', 400)::bytea, 1 + i % 200, 'nats',
    i, i % 2 = 0, i % 2 = 0
FROM generate_series(1, 1000) AS i;

INSERT INTO cursor
SELECT md5('webhook' || i)::uuid, i, md5('holder' || i % 2)::uuid,
    CASE WHEN i <= 500 THEN now() + interval '10 s' ELSE '-infinity' END
FROM generate_series(1, 2000) AS i;

INSERT INTO delivery (subscription, seq, event, type, at, attempt, milliseconds, status, problem)
SELECT md5('webhook' || CASE WHEN i % 10 = 0 THEN 1 ELSE 2 + i % 499 END)::uuid, i, md5('e' || i),
    'TaskRunEnded', timestamptz '2030-01-01Z' + i * interval '1 s', 1, 20, 200, ''
FROM generate_series(1, 100000) AS i;

INSERT INTO dead_letter
SELECT md5('webhook' || CASE WHEN i % 2 = 0 THEN 1 ELSE 2 + i % 1999 END)::uuid, i, md5('e' || i),
    'TaskRunEnded', timestamptz '2030-01-01Z' + i * interval '1 s', 20, 'it answered 500'
FROM generate_series(1, 20000) AS i
"""
# Half of the segments are of pipeline 1, one every ten minutes; run 1 has a hundredth of them.
_PIPELINE_LOGS = """
INSERT INTO sealed SELECT i, now() FROM generate_series(1, 20000) AS i;

INSERT INTO segment
SELECT md5('pipeline' || of)::uuid, i, 0, 1, i * 600000::bigint, i * 600000::bigint + 3600000,
    100, 20000, 'k' || i
FROM (SELECT i, CASE WHEN i % 2 = 0 THEN 1 ELSE 1 + i * 7 % 3000 END AS of
    FROM generate_series(1, 20000) AS i) AS made;

INSERT INTO pipeline SELECT pipeline, sum(rows), sum(bytes), -1 FROM segment GROUP BY pipeline;

INSERT INTO segment_run
SELECT md5('run' || CASE WHEN file % 100 = 0 THEN 1 ELSE file END)::uuid, pipeline, file, part, 9
FROM segment;

INSERT INTO garbage SELECT 'g' || i FROM generate_series(1, 3000) AS i
"""

_DEPLOYMENTS = """
INSERT INTO deployment SELECT md5('deployment' || i)::uuid, i, repeat('s', 2000)::bytea
FROM generate_series(1, 5000) AS i
"""


@dataclass(frozen=True)
class Filled:
    """The tables of a package and their rows. It takes `tables_only` migrations, or all, to write
    them; the others are for reading them."""

    package: str
    schema: str
    rows: str
    tables_only: int | None = None


PACKAGES = (
    Filled(
        "services.api.read_model", projection.SCHEMA, _VIEWS, tables_only=projection.TABLES_ONLY
    ),
    Filled("services.scheduler", plan_projection.SCHEMA, _PLAN),
    Filled("services.inference.control", deployments.SCHEMA, _DEPLOYMENTS),
    Filled("services.logs", ingest.SCHEMA, _LOGS),
    Filled("libs.identity", users.SCHEMA, _IDENTITY),
    Filled("libs.vault", vault.SCHEMA, _VAULT),
    Filled("services.inference.logs", pipeline_logs.SCHEMA, _PIPELINE_LOGS),
    Filled("services.webhooks", subscriptions.SCHEMA, _WEBHOOKS),
)


def uuid(kind: str, number: int) -> UUID:
    return UUID(md5(f"{kind}{number}".encode()).hexdigest())  # noqa: S324 - no secret


async def make_tables(database: Database, one: Filled, most: int | None = None) -> None:
    """By the first `most` migrations, or all. Once more makes those that are missing."""
    await migrate(database, one.package, most)
    if one.schema == ingest.SCHEMA:
        async with database.transaction() as connection:
            await retention.ensure_partitions(connection, [date(2030, 1, day) for day in (1, 2, 3)])


async def fill(database: Database, one: Filled) -> None:
    """Its tables, which are there and empty."""
    async with database.transaction() as connection:
        await connection.execute(one.rows, timeout=120)
