"""What is published is what the description says, and the other way round."""

import gzip
import html
import json
import re
from pathlib import Path
from typing import Any

import jsonschema
import msgspec
import pytest

from libs.domain.events import EVENT_TYPES, SEALED, decode, encode
from libs.eventlog.envelope import Context, to_headers
from services.api.events import asyncapi
from services.api.events.published_events import PUBLISHED, examples, publishers
from tests.api.service import Service
from tests.api.world import World
from tests.events.client import pages
from tests.golden.files import GoldenEvent, event_files

SPEC = Path(__file__).parent / "asyncapi-spec" / "3.0.0-without-id.json.gz"
NAMES = [kind.__name__ for kind in EVENT_TYPES]


@pytest.fixture(scope="session")
def document() -> dict[str, Any]:
    return asyncapi.document("https://rondo.example.org")


def problems(document: dict[str, Any], schema: str, value: object) -> list[str]:
    whole = {"components": document["components"], "$ref": f"#/components/schemas/{schema}"}
    checker = jsonschema.Draft202012Validator(whole)
    return [error.message for error in checker.iter_errors(value)]


def test_it_is_asyncapi_3(document: dict[str, Any]) -> None:
    checker = jsonschema.Draft7Validator(json.loads(gzip.decompress(SPEC.read_bytes())))
    assert [error.message for error in checker.iter_errors(document)] == []
    broken = {**document, "operations": {"subscribe": {"action": "whisper"}}}
    assert not checker.is_valid(broken)


def test_all_it_refers_to_is_there(document: dict[str, Any]) -> None:
    def references(node: Any) -> list[str]:
        if isinstance(node, dict):
            found = [node["$ref"]] if "$ref" in node else []
            return found + [one for value in node.values() for one in references(value)]
        return (
            [one for value in node for one in references(value)] if isinstance(node, list) else []
        )

    for reference in references(document):
        node = document
        for part in reference.removeprefix("#/").split("/"):
            node = node[part]


async def test_the_service_serves_it_to_anybody(service: Service) -> None:
    answer = await service.call("GET", "/v1/api/events/asyncapi.json")
    assert answer.status == 200
    assert answer.body == json.loads(json.dumps(asyncapi.document(service.url)))


@pytest.mark.parametrize("name", NAMES)
def test_every_event_is_described_with_an_example(document: dict[str, Any], name: str) -> None:
    assert document["components"]["schemas"][name]["description"]
    for one in examples(name):
        assert type(one.event).__name__ == name
        assert decode(encode(one.event)) == one.event
    shown = document["components"]["messages"][name]["examples"]
    assert len(shown) == len(examples(name)) >= 1
    for each in shown:
        assert problems(document, name, each["payload"]) == []
    assert problems(document, "CloudEvent", asyncapi.as_example(name)) == []
    assert publishers(name)


def test_every_example_is_of_an_event_that_there_is() -> None:
    found = {type(event).__name__ for events in PUBLISHED.values() for event in events}
    assert found == set(NAMES)


@pytest.mark.parametrize("path", event_files(), ids=lambda path: path.stem)
def test_what_was_ever_published_is_as_described(document: dict[str, Any], path: Path) -> None:
    message = msgspec.json.decode(path.read_bytes(), type=GoldenEvent).message
    body = json.loads(message.body)
    body.pop(SEALED.get(body["type"], ""), None)
    assert problems(document, body["type"], body) == []
    assert problems(document, "Headers", message.headers) == []


def test_headers_are_all_described(document: dict[str, Any]) -> None:
    (one,) = examples("RunStarted")
    context = Context(source="a", actor="b", causation="c", traceparent="d")
    sent = to_headers(one.stream, one.event, context)
    assert set(sent) == set(document["components"]["schemas"]["Headers"]["properties"])


@pytest.mark.parametrize(
    ("field", "value"), [("status", "running"), ("status", None), ("lines", "7")]
)
def test_what_is_no_event_is_none_by_the_description_too(
    document: dict[str, Any], field: str, value: object
) -> None:
    body = {**asyncapi.as_example("RunFinished")["data"], field: value}
    assert problems(document, "RunFinished", body)


async def test_what_the_service_sends_is_as_described(
    world: World, document: dict[str, Any]
) -> None:
    workspace, task = await world.ready_task(schedule="@daily")
    await world.run(workspace, task, "success")
    for event in await pages(world, workspace=workspace):
        assert problems(document, "CloudEvent", event) == []
        assert problems(document, event["type"], event["data"]) == []


async def test_the_catalogue_shows_every_event(service: Service) -> None:
    answer = await service.call("GET", "/v1/api/events/catalogue")
    assert answer.status == 200
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
    for name in NAMES:
        section = answer.body.partition(f'<section id="{name}">')[2].partition("</section>")[0]
        shown = section.partition("<pre>")[2].partition("</pre>")[0]
        assert msgspec.json.decode(html.unescape(shown)) == asyncapi.as_example(name)
        for field in asyncapi.as_example(name)["data"]:
            assert field == "type" or f"<th>{field}" in section
    links = set(re.findall(r'href="#([^"]+)"', answer.body))
    assert links <= set(re.findall(r'id="([^"]+)"', answer.body))
