"""Who may call which route (I8): a row a route."""

from collections.abc import Callable
from typing import Any
from uuid import uuid4

from tests.api.access_scene import Scene

CALLERS = ("nobody", "outsider", "collaborator", "owner", "admin")
ALL, MEMBERS, OWNERS, ADMINS = range(1, 5)  # the first of CALLERS that is let in

Body = Callable[[Scene], Any]


def _in_workspace(scene: Scene) -> Any:
    return {"workspace_id": scene.workspace}


def _task(scene: Scene) -> Any:
    return {"id": scene.task}


def _member(scene: Scene) -> Any:
    return {"workspace_id": scene.workspace, "user_id": scene.somebody}


def _attachment(scene: Scene) -> Any:
    return {"workspace_id": scene.workspace, "connection_id": scene.connection}


def _subscription(scene: Scene) -> Any:
    return {"id": scene.subscription}


def _letter(scene: Scene) -> Any:
    return {"id": scene.subscription, "sequence": 1}


def _pipeline(scene: Scene) -> Any:
    names = {"pipeline_id": "p", "pipeline_name": "p", "definition": {}}
    return {**_in_workspace(scene), **names}


def _version(scene: Scene) -> Any:
    return {"version": scene.version, "pipeline_versions": []}


def _deployment(scene: Scene) -> Any:
    number = scene.deployment
    version = {"pipeline_version": scene.version}
    return {**version, "deployment_id": number, "name": f"p-{number}"}


def _model(scene: Scene) -> Any:
    """By any name that a route may have for it. Deleting only asks how many bytes it has."""
    number, model = scene.model.number, scene.model.model
    return {
        **_in_workspace(scene),
        "id": model,
        "models_pk_id": model,
        "model_id": number,
        "model_version_id": number,
        "model_versions": [str(scene.model.id)],
        "confirm_delete": False,
    }


def _nothing(_: Scene) -> Any:
    return {}


def _somebody(scene: Scene) -> Any:
    return {"id": scene.somebody}


# By path without /v1/api/: what to send, who is let in, and with which status.
EXPECTED: dict[str, tuple[Body, int, int]] = {
    "workspaces/create": (lambda _: {"workspace_name": f"m-{uuid4()}"}, ALL, 200),
    "workspaces/list": (lambda _: {}, ALL, 200),
    "tokens/create": (
        lambda scene: {"name": "robot", "workspaces": [scene.workspace]},
        MEMBERS,
        200,
    ),
    "tokens/list": (lambda _: {}, ALL, 200),
    "tokens/revoke": (lambda scene: {"id": scene.token}, OWNERS, 200),
    "workspaces/list_users": (_in_workspace, MEMBERS, 200),
    "workspaces/add_user": (_member, OWNERS, 200),
    "workspaces/remove_user": (_member, OWNERS, 200),
    "/v1/graphql": (lambda _: {"query": "{ __typename }"}, ALL, 200),
    "connections/create": (lambda _: {"name": f"m-{uuid4()}", "type": "X"}, ALL, 200),
    "connections/get": (lambda scene: {"name": f"c-{scene.workspace}"}, MEMBERS, 200),
    "connections/get_by_id": (lambda scene: {"id": scene.connection}, MEMBERS, 200),
    "connections/list": (_in_workspace, MEMBERS, 200),
    "connections/add_to_workspace": (_attachment, OWNERS, 200),
    "connections/remove_from_workspace": (_attachment, OWNERS, 204),
    "connections/delete": (lambda scene: {"name": scene.doomed.pop()}, OWNERS, 204),
    "connections/rotate_keys": (lambda _: {}, ADMINS, 200),
    "/auth/admin/realms/master/users": (lambda _: {}, ALL, 200),
    "/auth/admin/realms/master/users/{id}": (lambda _: {}, ALL, 200),
    "PUT /auth/admin/realms/master/users/{id}": (lambda _: {"enabled": True}, ADMINS, 204),
    "users/invite": (lambda _: {"email": f"{uuid4()}@example.org"}, ADMINS, 200),
    "users/query": (lambda _: {}, ALL, 200),
    "users/whoami": (lambda _: {}, ALL, 200),
    "users/change_password": (lambda _: {"current": "x", "password": "short"}, ALL, 400),
    "users/create": (lambda _: {"email": f"{uuid4()}@example.org"}, ADMINS, 200),
    "users/reset_password": (_somebody, ADMINS, 200),
    "users/set_enabled": (lambda scene: _somebody(scene) | {"enabled": True}, ADMINS, 200),
    "users/set_admin": (lambda scene: _somebody(scene) | {"admin": False}, ADMINS, 200),
    "admin/platform": (lambda _: {}, ADMINS, 200),
    "admin/environments": (lambda _: {}, ADMINS, 200),
    "admin/resume": (lambda _: {}, ADMINS, 200),
    "admin/parked": (lambda _: {}, ADMINS, 200),
    "admin/parked/retry": (lambda _: {"reaction": "packager", "seq": 1}, ADMINS, 404),
    "admin/parked/discard": (lambda _: {"reaction": "packager", "seq": 1}, ADMINS, 404),
    "orchestration/upload": (_in_workspace, MEMBERS, 202),
    "orchestration/list": (_in_workspace, MEMBERS, 200),
    "orchestration/list_all": (
        lambda scene: {"workspace_ids": [scene.workspace]},
        MEMBERS,
        200,
    ),
    "orchestration/get_by_id": (lambda scene: {"id": scene.orchestration}, MEMBERS, 200),
    "task/run_once": (lambda scene: scene.order, MEMBERS, 201),
    "task/run_scheduled": (lambda scene: {**scene.order, "schedule": "@daily"}, MEMBERS, 201),
    "task/run_continuously": (lambda scene: scene.order, MEMBERS, 201),
    "task/get_by_id": (_task, MEMBERS, 200),
    "task/list": (_in_workspace, MEMBERS, 200),
    "task/get_tasks_by_orch_sha": (lambda _: {"sha": "0" * 64}, ALL, 200),
    "task/kill": (_task, MEMBERS, 202),
    "task/pause": (lambda scene: {"id": scene.task, "pause": True}, MEMBERS, 202),
    "task/list_task_runs": (lambda scene: {"task_id": scene.task}, MEMBERS, 200),
    "task/get_run_details": (
        lambda scene: {"task": scene.task, "pod_id": scene.run},
        MEMBERS,
        200,
    ),
    "task/get_logs_for_run": (lambda scene: {"id": scene.run}, MEMBERS, 200),
    "events": (lambda _: {}, ALL, 200),
    "subscriptions/create": (
        lambda scene: {**_in_workspace(scene), "name": "s", "url": "https://hooks.invalid/"},
        MEMBERS,
        201,
    ),
    "subscriptions/list": (_in_workspace, MEMBERS, 200),
    "subscriptions/get_by_id": (_subscription, MEMBERS, 200),
    "subscriptions/pause": (_subscription, OWNERS, 200),
    "subscriptions/resume": (_subscription, OWNERS, 200),
    "subscriptions/delete": (lambda scene: {"id": scene.ended.pop()}, OWNERS, 204),
    "subscriptions/test": (_subscription, OWNERS, 200),
    "subscriptions/deliveries": (_subscription, OWNERS, 200),
    "subscriptions/dead_letters": (_subscription, OWNERS, 200),
    "subscriptions/retry": (_letter, OWNERS, 404),
    "subscriptions/discard": (_letter, OWNERS, 404),
    "task/run/{run}/follow": (lambda _: {}, MEMBERS, 200),
    "task/run/{run}/log": (lambda _: {}, MEMBERS, 200),
    "history/{aggregate}/{id}": (lambda _: {}, MEMBERS, 200),
    "history/run/{id}/causes": (lambda _: {}, MEMBERS, 200),
    "timeline": (lambda _: {}, MEMBERS, 200),
    # What is sent is no model, so nobody waits until it is probed: who is let in is told so.
    "models/upload": (_in_workspace, MEMBERS, 400),
    "models/upload_and_convert": (_in_workspace, MEMBERS, 400),
    "models/upload_stream": (_in_workspace, MEMBERS, 400),
    "models/get_version_by_id": (_model, MEMBERS, 200),
    "models/get_config_by_id": (_model, MEMBERS, 200),
    "models/insert_model_config": (_model, MEMBERS, 200),
    "models/list": (_in_workspace, MEMBERS, 200),
    "models/get": (_model, MEMBERS, 200),
    "models/list_versions": (lambda scene: {**_model(scene), "model_id": "rf"}, MEMBERS, 200),
    "models/get_upload_logs": (_model, MEMBERS, 200),
    "models/delete_model": (lambda scene: {**_model(scene), "model_id": "rf"}, MEMBERS, 200),
    "models/delete_model_versions": (_model, MEMBERS, 200),
    "pipelines/create": (_pipeline, MEMBERS, 200),
    "pipelines/get_pipeline_by_name": (_pipeline, MEMBERS, 200),
    "pipelines/list_pipelines": (_in_workspace, MEMBERS, 200),
    "pipelines/get_version": (_version, MEMBERS, 200),
    "pipelines/list_pipeline_versions": (_pipeline, MEMBERS, 200),
    "pipelines/delete_pipeline": (
        lambda scene: {**_pipeline(scene), "pipeline_id": scene.unwanted.pop()},
        MEMBERS,
        200,
    ),
    "pipelines/delete_pipeline_versions": (_version, ALL, 200),
    "pipelines/get_logs": (_pipeline, MEMBERS, 200),
    "plateau/get_topic_name": (lambda scene: {"pipeline_pk_id": scene.pipeline}, MEMBERS, 200),
    "/v1/logs/topic/{topic}": (_nothing, MEMBERS, 200),
    "/v1/logs/topic/{topic}/records": (_nothing, MEMBERS, 200),
    "pipelines/deploy": (_deployment, MEMBERS, 200),
    "pipelines/undeploy": (_deployment, MEMBERS, 200),
    "status/get_deployment": (_deployment, MEMBERS, 200),
    "deployments/list": (_in_workspace, MEMBERS, 200),
    "admin/get_pipeline_external_url": (_pipeline, MEMBERS, 200),
    **dict.fromkeys(
        (
            "pipelines/list_publishes_for_pipeline",
            "pipelines/get_sidekick_pod_logs",
            "pipelines/get_sidekick_pods_history",
            "models/list_registries",
            "/v2/api/assays/get",
            "/v1/metrics/api/v1/query",
            "/v1/metrics/api/v1/query_range",
        ),
        (_nothing, ALL, 200),
    ),
    **dict.fromkeys(
        ("pipelines/publish", "/v2/api/assays/schedule", "assays/create"), (_nothing, ALL, 501)
    ),
}

# Open to the code of runs and to programs with a service token.
MACHINES = {
    "workspaces/list",
    "connections/get",
    "connections/get_by_id",
    "connections/list",
    "events",
    "/v1/graphql",
    "orchestration/upload",
    "orchestration/list",
    "orchestration/list_all",
    "orchestration/get_by_id",
    "task/run_once",
    "task/run_scheduled",
    "task/run_continuously",
    "task/get_by_id",
    "task/list",
    "task/get_tasks_by_orch_sha",
    "task/kill",
    "task/pause",
    "task/list_task_runs",
    "task/get_run_details",
    "task/get_logs_for_run",
    "task/run/{run}/follow",
    "task/run/{run}/log",
    "models/upload",
    "models/upload_and_convert",
    "models/upload_stream",
    "models/get_version_by_id",
    "models/get_config_by_id",
    "models/insert_model_config",
    "models/list",
    "models/get",
    "models/list_versions",
    "models/get_upload_logs",
    "models/delete_model",
    "models/delete_model_versions",
    "pipelines/create",
    "pipelines/get_pipeline_by_name",
    "pipelines/list_pipelines",
    "pipelines/get_version",
    "pipelines/list_pipeline_versions",
    "pipelines/delete_pipeline",
    "pipelines/delete_pipeline_versions",
    "pipelines/get_logs",
    "plateau/get_topic_name",
    "/v1/logs/topic/{topic}",
    "/v1/logs/topic/{topic}/records",
    "pipelines/deploy",
    "pipelines/undeploy",
    "status/get_deployment",
    "deployments/list",
    "admin/get_pipeline_external_url",
    "pipelines/list_publishes_for_pipeline",
    "pipelines/get_sidekick_pod_logs",
    "pipelines/get_sidekick_pods_history",
    "pipelines/publish",
    "models/list_registries",
    "/v2/api/assays/get",
    "/v2/api/assays/schedule",
    "assays/create",
    "/v1/metrics/api/v1/query",
    "/v1/metrics/api/v1/query_range",
}

# Open to who is not logged in: to log in, to learn what there is; or they ask for a token of their
# own, as metrics do and, in the inference service, inferences.
PUBLIC = {
    "/auth/realms/master/.well-known/openid-configuration",
    "/auth/realms/master/device",
    "/auth/realms/master/protocol/openid-connect/auth/device",
    "/auth/realms/master/protocol/openid-connect/certs",
    "/auth/realms/master/protocol/openid-connect/token",
    "/metrics",
    "/metrics/{service}",
    "config",
    "events/asyncapi.json",
    "events/catalogue",
    "pipelines/infer/{deployment}/{pipeline}",
    "pipelines/infer/{deployment}/{pipeline}/openai/v1/chat/completions",
    "pipelines/infer/{deployment}/{pipeline}/openai/v1/completions",
}
# Paths in no table of routes or pages: open ones, and what only our own services may ask.
OPEN_PATHS = {
    *("/v1/api/docs", "/v1/api/openapi.json", "/static/{version}/{name}"),
    *("/signin", "/signin/issuer", "/signin/back", "/healthz", "/readyz"),
}
INTERNAL_PATHS = {"/internal/inference/permit"}
