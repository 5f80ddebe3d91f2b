"""Representative arguments of every statement, for the rows of filled.py."""

from datetime import UTC, date, datetime, timedelta
from hashlib import md5, sha256

from libs.domain.run import BEGUN as BEGUN_STATUSES
from services.api.read_model.row_types import NEWEST
from services.api.read_model.timeline import reach
from tests.postgres.filled import uuid

Arguments = dict[str, tuple[object, ...]]

BEGUN = [*BEGUN_STATUSES]
PAGE = 50
_MINE = [1, 2, 3]
_START = datetime(2030, 1, 20, tzinfo=UTC)
_HOUR = timedelta(hours=1)
_TASK, _RUN, _OTHER = uuid("task", 1), uuid("run", 50_000), uuid("run", 50_001)
_ORCHESTRATION, _SHA = uuid("orchestration", 1), md5(b"sha3").hexdigest()  # noqa: S324
_MODEL, _VERSION = uuid("model", 1), uuid("version", 1)
_PIPELINE, _TAG = uuid("pipeline", 1), uuid("tag", 1)
_BEFORE, _END = datetime(2029, 1, 1, tzinfo=UTC), datetime(2031, 1, 1, tzinfo=UTC)
_IDS = [uuid("run", number) for number in range(1, 100)]
_NEW = [uuid("new", number) for number in range(1, 100)]
_SPANS = reach(_START)
_ACCOUNT = uuid("account", 7)


def _column(value: object) -> list[object]:
    return [value] * len(_IDS)


_VIEWS: dict[str, Arguments] = {
    "workspaces": {
        "find_workspace": (1,),
        "workspaces_of": ("user-1",),
        "workspaces_named": ("workspace", "user-1"),
        "next_workspace_id": (),
        "workspace_names": (),
    },
    "connections": {
        "find_connection": (uuid("connection", 1),),
        "find_connection_named": ("connection-1",),
        "connections_of": ("user-1", _MINE),
        "deleted_connections": (),
    },
    "orchestrations": {
        "find_orchestration": (_ORCHESTRATION,),
        "orchestration_page": (_MINE, NEWEST, PAGE),
        "orchestrations_of_sha": (_SHA, _MINE),
        "workloads": (_MINE, NEWEST, "title", PAGE),
        "workloads_in_error": (_MINE, NEWEST, "title", PAGE),
        "active_workloads": (_MINE, NEWEST, "title", PAGE),
        "inactive_workloads": (_MINE, NEWEST, "title", PAGE),
    },
    "tasks": {
        "find_task": (5, _TASK),
        "tasks_of_workspaces": (5, _MINE, NEWEST, PAGE),
        "killed_tasks_of_workspaces": (5, _MINE, NEWEST, PAGE),
        "tasks_of_orchestrations": (5, _MINE, NEWEST, PAGE, [_ORCHESTRATION]),
        "killed_tasks_of_orchestrations": (5, _MINE, NEWEST, PAGE, [_ORCHESTRATION]),
        "task_ids_of_sha": (_SHA, _MINE, PAGE),
        "tasks_of": (_ORCHESTRATION, NEWEST, PAGE),
    },
    "runs": {
        "find_begun_run": (_RUN,),
        "find_run": (_RUN,),
        "run_page": (_TASK, BEGUN, PAGE, NEWEST),
        "runs_of_workspaces": (_MINE, BEGUN, NEWEST, PAGE),
        "runs_of_orchestration": (_ORCHESTRATION, BEGUN, NEWEST, PAGE),
        "runs_of_task": (_TASK, BEGUN, NEWEST, PAGE),
        "last_runs": (_TASK, BEGUN[1:], PAGE),
        "count_open_runs": (),
    },
    "models": {
        "find_model": (3,),
        "find_model_with_id": (_MODEL,),
        "models_with_ids": ([_MODEL],),
        "model_page": (_MINE, NEWEST, PAGE),
        "model_numbers": (_MINE, PAGE),
        "search_models": (_MINE, NEWEST, "title", PAGE),
        "models_named": ("model-1", _MINE),
        "find_model_version": (7,),
        "find_model_version_with_config": (8,),
        "model_versions_with_ids": ([_VERSION],),
        "versions_of_models": ([_MODEL, uuid("model", 2)], PAGE),
        "versions_deleted_with_model": (_MODEL, NEWEST, PAGE),
        "model_versions_with_tag": (_TAG, _MINE, PAGE),
        "search_model_versions": (_MINE, NEWEST, "title", _BEFORE, _END, PAGE),
    },
    "pipelines": {
        "find_pipeline": (3,),
        "find_pipeline_with_id": (_PIPELINE,),
        "pipelines_with_ids": ([_PIPELINE], False),
        "pipeline_page": (_MINE, NEWEST, PAGE),
        "pipeline_numbers": (_MINE, PAGE),
        "search_pipelines": (_MINE, NEWEST, "title", PAGE),
        "pipelines_named": ("pipeline-1", _MINE),
        "pipelines_with_tag": (_TAG, _MINE, PAGE),
        "find_pipeline_version": (7,),
        "find_pipeline_version_with_id": (uuid("steps", 1),),
        "find_served_version": (uuid("steps", 1),),
        "versions_of_pipelines": ([_PIPELINE, uuid("pipeline", 2)], PAGE),
        "search_pipeline_versions": (_MINE, NEWEST, "title", _BEFORE, _END, PAGE, False),
    },
    "deployments": {
        "find_deployment": (9,),
        "find_deployment_with_pipeline": (9,),
        "deployments_with_ids": ([uuid("deployment", 1)],),
        "deployed_page": (_MINE, NEWEST, PAGE),
        "deployments_of_model_versions": ([_VERSION],),
    },
    "tags": {
        "find_tag": (1,),
        "tags_with_ids": ([_TAG],),
        "is_on_something": (_TAG,),
        "tag_page": ("user-1", _MINE, PAGE, True),
        "all_tags": (PAGE,),
    },
    "paging": {
        "orchestration_position": (_ORCHESTRATION,),
        "task_position": (_TASK,),
        "run_position": (_RUN,),
    },
    "timeline": {
        "tasks_that_ran": (1, *_SPANS, _START, _START + _HOUR, 40),
        "scheduled_tasks": (1, PAGE),
        "run_buckets": (1, *_SPANS, _START, _START + _HOUR, [_TASK], 60),
        "run_bars": (1, *_SPANS, _START, _START + _HOUR, [_TASK]),
    },
    "projection": {
        "read_workspaces": (_MINE,),
        "read_connections": ([uuid("connection", number) for number in _MINE],),
        "read_orchestrations": ([uuid("orchestration", number) for number in range(1, 100)],),
        "read_tasks": ([uuid("task", number) for number in range(1, 100)],),
        "read_runs": (_IDS,),
        "read_models": ([_MODEL],),
        "read_model_versions": ([_VERSION],),
        "read_pipelines": ([_PIPELINE],),
        "read_pipeline_versions": ([uuid("steps", 1)],),
        "read_deployments": ([uuid("deployment", 1)],),
        "read_tags": ([_TAG],),
        "write_workspaces": ([1], [1], [900_000_000], [b"w"], ["w"], ["user-1,user-2"]),
        "write_connections": (
            *([uuid("connection", 1)], [1], [900_000_000], [b"c"], ["c"], ["user-1"], ["1,2"]),
            [False],
        ),
        "write_orchestrations": (
            *([_ORCHESTRATION], [1], [900_000_000], [b"o"], [1], ["user-1"], [_SHA], ["title"]),
            [False],
        ),
        "write_tasks": (
            *([_TASK], [1], [900_000_000], [b"t"], [1], [_ORCHESTRATION], ["started"], ["once"]),
            *(["task"], [True], [1]),
        ),
        "write_runs": (
            *([*_IDS[1:], _NEW[0]], _column(1), _column(900_000_000), _column(b"r")),
            *(_column(_TASK), _column(1), _column("success"), _column(_START), _column(_START)),
            _column(0),
        ),
        "write_models": ([_MODEL], [1], [900_000_000], [b"m"], [3], [1], ["m"], [False]),
        "write_model_versions": (
            *([_VERSION], [1], [900_000_000], [b"v"], [7], [1], [_MODEL], ["title"], [_START]),
            *(["7,8"], [f"{_TAG}"], [False]),
        ),
        "write_pipelines": (
            [_PIPELINE],
            [1],
            [900_000_000],
            [b"p"],
            [3],
            [1],
            ["p"],
            [""],
            [False],
        ),
        "write_pipeline_versions": (
            *([uuid("steps", 1)], [1], [900_000_000], [b"s"], [7], [1], [_PIPELINE], ["title"]),
            *([_START], [False]),
        ),
        "write_deployments": (
            *([uuid("deployment", 1)], [1], [900_000_000], [b"d"], [9], [1], [_PIPELINE]),
            *([f"{_VERSION}"], [True]),
        ),
        "write_tags": ([_TAG], [1], [900_000_000], [b"t"], [1], ["user-1"], ["tag"]),
        "spend_tasks": ([uuid("task", number) for number in range(1, 100)], _column(1)),
    },
}
_LOGS: dict[str, Arguments] = {
    "ingest": {
        "insert_chunks": (
            *(_NEW, _column(0), _column(1), _column(0), _column(0), _column(1), _column("zstd")),
            *(_column(_TASK), _column(1), _column(b"x"), _column(date(2030, 1, 1))),
        ),
    },
    "runs": {
        "insert_runs": (_NEW, _column(_TASK)),
        "finish_runs": (_IDS, _column(10)),
        "mark_killed": (_NEW,),
        "delete_chunks": ([_TASK],),
    },
    "read": {
        "extent": (_IDS[0],),
        "chunks": (_IDS[0], 200, NEWEST, 32),
        "first_line": (_IDS[0], 200),
        "end_of_run": (_IDS[0],),
        "is_forgotten": (_IDS[0],),
    },
}
_IDENTITY: dict[str, Arguments] = {
    "users": {
        "create_user": (uuid("account", 0), "new@example.com", "new", "hash", False),
        "create_vouched_user": (uuid("account", 0), "new@example.com", False, "issuer"),
        "has_administrator": (),
        "has_enabled_administrator": (),
        "enable_user": (_ACCOUNT,),
        "disable_user": (_ACCOUNT,),
        "set_admin": (_ACCOUNT, True),
        "set_vouched_admin": (_ACCOUNT, "", True),
        "set_password": (_ACCOUNT, "hash"),
        "tokens_from": (_ACCOUNT,),
        "find_enabled_user": (_ACCOUNT,),
        "find_user_by_email": ("user7@example.com",),
        "find_users": ([uuid("account", number) for number in range(1, 100)],),
        "all_users": (),
        "find_login": ("user7",),
    },
    "service_tokens": {
        "create_token": (uuid("token", 0), b"digest", "token", _ACCOUNT, [1], None),
        "tokens_of_owner": (_ACCOUNT,),
        "all_tokens": (),
        "find_token": (uuid("token", 7),),
        "find_good_token": (sha256(b"token7").digest(),),
        "revoke_token": (uuid("token", 7),),
    },
    "sessions": {
        "start_session": (b"digest", _ACCOUNT, timedelta(days=7)),
        "find_session_user": (sha256(b"session7").digest(),),
        "end_session": (sha256(b"session7").digest(),),
        "delete_expired_sessions": (),
    },
    "device": {
        "delete_expired_devices": (),
        "count_devices": (),
        "create_device": (b"digest", "code", timedelta(seconds=600)),
        "approve_device": ("code-1", _ACCOUNT),
        "take_account": (sha256(b"device7").digest(),),
        "poll_device": (sha256(b"device7").digest(),),
    },
}
_PLAN: dict[str, Arguments] = {
    "plan_projection": {
        "read_plan": (),
        "keep": (_column("task"), _NEW, _column(b"t")),
        "forget": (_column("task"), [uuid("task", number) for number in range(1, 100)]),
    },
}
_DEPLOYMENTS: dict[str, Arguments] = {
    "deployments": {"read_deployments": (), "keep": (_NEW, _column(1), _column(b"d"))},
}
_VAULT: dict[str, Arguments] = {
    "vault": {
        "insert_key": (_NEW[0], "wrapped"),
        "insert_key_or_keep": (uuid("connection", 1), "wrapped"),
        "find_key": (uuid("connection", 1),),
        "delete_keys": ([uuid("connection", 1)],),
        "all_keys": (),
        "rewrap_key": (uuid("connection", 1), "old", "new"),
    },
}
_BUSY, _WEBHOOK, _HOLDER = uuid("webhook", 1), uuid("webhook", 7), uuid("holder", 1)
_WEBHOOKS: dict[str, Arguments] = {
    "projection": {
        "read_subscription": (_WEBHOOK,),
        "write_subscription": (_WEBHOOK, 900_000_000, b"s", 1, "webhook", 7, False, False),
        "find_subscription": (_WEBHOOK,),
        "subscriptions_of": (_MINE,),
        "all_subscriptions": (),
        "deleted_subscriptions": (),
    },
    "delivery_store": {
        "begin_cursors": (),
        "claim": (_HOLDER, 10.0),
        "release": (_HOLDER,),
        "find_cursors": ([uuid("webhook", number) for number in range(1, 100)],),
        "slowest": (),
        "move_cursor": (_WEBHOOK, _HOLDER, 900_000_000, 0, None, None),
        "insert_attempt": (_WEBHOOK, 1, "event", "TaskKilled", _START, 1, 20, None, "no answer"),
        "insert_dead_letter": (_WEBHOOK, 1, "event", "TaskKilled", _START, 20, "no answer"),
        "last_deliveries": (_BUSY, PAGE),
        "dead_letters_of": (_BUSY, PAGE),
        "find_dead_letter": (_BUSY, 1_000),
        "count_dead_letters": (),
        "discard_dead_letter": (_BUSY, 1_000),
        "prune_deliveries": (_WEBHOOK, 100),
        "forget_cursor": (_WEBHOOK,),
        "forget_deliveries": (_WEBHOOK,),
        "forget_dead_letters": (_WEBHOOK,),
    },
}
_LOG: dict[str, Arguments] = {
    "project": {
        "find_checkpoint": ("views",),
        "insert_checkpoint": ("views",),
        "move_checkpoint": ("views", 1),
    },
    "stream_identity": {
        "find_origin": ("EVENTS",),
        "insert_origin": ("EVENTS", "now"),
        "furthest_checkpoint": (["views"],),
    },
}
_SEGMENTS = ([_PIPELINE] * 3, [2, 4, 6], [0, 0, 0])
_FROM, _TO = 6_000_000_000, 6_600_000_000  # ms
_PIPELINE_LOGS: dict[str, Arguments] = {
    "seal": {
        "is_sealed": (7,),
        "forgotten_until": ([_PIPELINE],),
        "insert_sealed": (30_000,),
        "insert_segments": (
            *([_PIPELINE], [30_000], [0], [1], [0], [1], [100], [20_000], ["k30000"]),
        ),
        "insert_runs": ([_RUN], [_PIPELINE], [30_000], [0], [9]),
        "add_to_pipelines": ([_PIPELINE], [100], [20_000]),
    },
    "read": {
        "sealed_of": ([7, 8, 30_000],),
        "forgotten_until_of": (_PIPELINE,),
        "count": (_PIPELINE, [30_000]),
        "segments_up": (_PIPELINE, _FROM - 3_600_000, -1, -1, _FROM, _TO, [30_000]),
        "segments_down": (_PIPELINE, _TO + 3_600_000, -1, -1, _FROM, _TO, [30_000]),
        "segments_of_run": (uuid("run", 1), _PIPELINE),
        "pipelines_of_run": (uuid("run", 1), [30_000]),
    },
    "retention": {
        "old_segments": (_FROM,),
        "large_pipelines": (1 << 20,),
        "oldest_segments": (_PIPELINE,),
        "forgotten_segments": (_PIPELINE, _FROM),
        "forget": (_PIPELINE, _FROM),
        "delete_segments": _SEGMENTS,
        "delete_runs": _SEGMENTS,
        "garbage": (),
        "delete_garbage": (["g1", "g2"],),
        "delete_sealed": (30,),
    },
}

ARGUMENTS: dict[str, dict[str, Arguments]] = {
    "services.api.read_model": _VIEWS,
    "services.scheduler": _PLAN,
    "services.inference.control": _DEPLOYMENTS,
    "services.logs": _LOGS,
    "services.inference.logs": _PIPELINE_LOGS,
    "libs.identity": _IDENTITY,
    "libs.vault": _VAULT,
    "services.webhooks": _WEBHOOKS,
    "libs.eventlog": _LOG,
}
