"""The description: a valid document, true to what is served, and a page that shows all of it."""

import re
from typing import Any, get_args

import pytest
import tzdata
from jsonschema import Draft202012Validator

from libs.domain.errors import Code
from services.api.http.errors import STATUS
from services.api.routes import ROUTES
from tests.api.service import Answer, Service
from tests.api.world import World


@pytest.fixture
async def document(service: Service) -> dict[str, Any]:
    answer = await service.call("GET", "/v1/api/openapi.json")
    assert answer.status == 200
    found: dict[str, Any] = answer.body
    return found


def operations(document: dict[str, Any]) -> list[dict[str, Any]]:
    return [one for path in document["paths"].values() for one in path.values()]


def references(node: Any) -> set[str]:
    if isinstance(node, dict):
        found = {node["$ref"]} if isinstance(node.get("$ref"), str) else set()
        return found.union(*map(references, node.values()))
    return set().union(*map(references, node)) if isinstance(node, list) else set()


def test_every_route_is_described(document: dict[str, Any]) -> None:
    described = {
        (method.upper(), path) for path, found in document["paths"].items() for method in found
    }
    served = {(route.method, path) for route in ROUTES for path in (route.path, *route.aliases)}
    assert described == served
    assert document["openapi"] == "3.1.0"
    ids = [one["operationId"] for one in operations(document)]
    assert len(ids) == len(set(ids))


def test_its_schemas_are_schemas_and_its_references_lead_somewhere(
    document: dict[str, Any],
) -> None:
    schemas = document["components"]["schemas"]
    for schema in schemas.values():
        Draft202012Validator.check_schema(schema)
    assert references(document) <= {f"#/components/schemas/{name}" for name in schemas}
    for one in operations(document):
        assert one["summary"]
        assert one["responses"]
        for status, answer in one["responses"].items():
            assert answer["description"]
            if status == "204":
                assert "content" not in answer
                continue
            (content,) = answer["content"].values()
            Draft202012Validator.check_schema(content["schema"])


def test_times_and_ids_have_formats(document: dict[str, Any]) -> None:
    task = document["components"]["schemas"]["Task"]["properties"]
    assert task["created_at"]["format"] == "date-time"
    assert task["id"]["format"] == "uuid"
    assert {"zone", "misfire", "misfire_cap", "overlap", "retry"} <= (
        document["components"]["schemas"]["RunScheduled"]["properties"].keys()
    )


def test_what_needs_no_token_says_so(document: dict[str, Any]) -> None:
    public = {path for path, found in document["paths"].items() for one in found.values()
              if one.get("security") == []}  # fmt: skip
    assert public == {route.path for route in ROUTES if route.public}
    assert "/auth/realms/master/protocol/openid-connect/token" in public
    assert document["security"] == [{"bearer": []}]


async def test_answers_are_as_described(world: World, document: dict[str, Any]) -> None:
    workspace, task = await world.ready_task(schedule="@daily")
    run = await world.run(workspace, task, "success", lines=0)
    orchestration = (await world.post("task/get_by_id", {"id": str(task)}))["orch_id"]
    asked: dict[str, dict[str, Any]] = {
        "workspaces/list": {},
        "workspaces/create": {"workspace_name": ""},
        "orchestration/list": {"workspace_id": workspace},
        "orchestration/list_all": {"workspace_ids": [workspace]},
        "orchestration/get_by_id": {"id": orchestration},
        "task/run_once": {"orch_id": orchestration, "workspace_id": workspace},
        "task/get_by_id": {"id": str(task)},
        "task/list": {"workspace_id": workspace},
        "task/list_task_runs": {"task_id": str(task)},
        "task/get_run_details": {"task": str(task), "pod_id": str(run)},
        "task/get_logs_for_run": {"id": str(run)},
        "task/kill": {"id": str(task)},
    }
    for path, body in asked.items():
        answer = await world.service.post(path, body, world.token)
        _check(document, f"/v1/api/{path}", answer)


def _check(document: dict[str, Any], path: str, answer: Answer) -> None:
    responses = document["paths"][path]["post"]["responses"]
    assert str(answer.status) in responses, (path, answer.status)
    schema = responses[str(answer.status)]["content"]["application/json"]["schema"]
    whole = {**schema, "components": document["components"]}
    problems = list(Draft202012Validator(whole).iter_errors(answer.body))
    assert not problems, (path, problems)


async def test_config_needs_no_token(service: Service) -> None:
    answer = await service.call("GET", "/v1/api/config")
    assert answer.status == 200
    assert answer.body["default_arch"] in ("x86", "arm")


async def test_the_page_shows_every_route_and_type_and_fetches_nothing(
    service: Service, document: dict[str, Any]
) -> None:
    answer = await service.call("GET", "/v1/api/docs")
    assert (answer.status, answer.headers["Content-Type"]) == (200, "text/html; charset=utf-8")
    for route in ROUTES:
        assert route.path in answer.body
    for name in document["components"]["schemas"]:
        assert f'id="type-{name}"' in answer.body
    targets = set(re.findall(r'href="#([^"]+)"', answer.body))
    assert targets <= set(re.findall(r'id="([^"]+)"', answer.body))
    assert not re.findall(r'(?:src|href)="(?!#|openapi\.json)', answer.body)
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]


def test_each_code_of_the_domain_has_a_status() -> None:
    assert STATUS.keys() == set(get_args(Code))


async def test_health(service: Service) -> None:
    answer = await service.call("GET", "/healthz")
    assert (answer.status, answer.body) == (200, {"status": "ok"})
    answer = await service.call("GET", "/readyz")
    ready = {"status": "ready", "tzdata": tzdata.IANA_VERSION}
    assert (answer.status, answer.body) == (200, ready)
