"""The platform as administrators see it, and metrics for those who may read them."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from libs.eventlog import dead_letters
from libs.eventlog.nats_client import connect
from services.api.admin.stream_metrics import REACTIONS
from tests.api.service import Service, running
from tests.api.world import World
from tests.platform import until
from tests.servers import TOKEN, NatsServer

SCRAPER = "a token that opens nothing but the metrics"


@pytest.fixture
def scraped(tmp_path: Path, nats_process: NatsServer, dsn: str) -> Iterator[Service]:
    (tmp_path / "metrics").write_text(SCRAPER + "\n")
    settings = {"RONDO_METRICS_TOKEN_FILE": str(tmp_path / "metrics")}
    with running(tmp_path, nats_process.url, dsn, settings) as found:
        yield found


async def test_the_metrics_token_opens_the_metrics_and_nothing_else(scraped: Service) -> None:
    assert (await scraped.call("GET", "/healthz")).status == 200
    assert (await scraped.call("GET", "/metrics/packager", SCRAPER)).status == 404
    shown = await scraped.call("GET", "/metrics", SCRAPER)
    assert shown.status == 200
    assert shown.headers["Content-Type"].startswith("text/plain; version=0.0.4")
    assert 'rondo_http_requests_total{code="200",method="GET",route="/healthz"}' in shown.body
    assert (await scraped.call("GET", "/v1/api/admin/platform", SCRAPER)).status == 401
    for token in (None, "something else", ""):
        assert (await scraped.call("GET", "/metrics", token)).status == 401
        assert (await scraped.call("GET", "/metrics/packager", token)).status == 401


async def test_administrators_may_read_the_metrics_and_others_not(
    service: Service, world: World, people: dict[str, object]
) -> None:
    assert (await service.call("GET", "/metrics", world.token)).status == 200
    other = await service.login("outsider@example.org")
    assert (await service.call("GET", "/metrics", other)).status == 403


async def test_a_path_that_somebody_made_up_makes_no_metric(service: Service, world: World) -> None:
    await service.call("GET", "/v1/api/made/up/4711")
    shown = (await service.call("GET", "/metrics", world.token)).body
    assert 'code="404",method="GET",route="none"' in shown
    assert "4711" not in shown


async def test_the_platform_tells_who_is_there_and_what_is_stuck(
    service: Service, world: World
) -> None:
    note = dead_letters.DeadLetter(
        reaction="packager", seq=7, subject="event.1.orchestration.x", error="E()"
    )
    async with connect(service.nats_url, TOKEN) as nats:
        await dead_letters.put(nats, note)

    async def told() -> bool:
        """What a service says of itself is known soon after it has begun."""
        shown = await service.call("GET", "/v1/api/admin/platform", world.token)
        return "api" in {copy["service"] for copy in shown.body["copies"]}

    await until(told, "the service to be known")
    shown = await service.call("GET", "/v1/api/admin/platform", world.token)
    assert shown.status == 200
    assert shown.body["parked_count"] == 1
    assert [(one["reaction"], one["seq"], one["error"]) for one in shown.body["parked"]] == [
        ("packager", 7, "E()")
    ]
    assert {stream["name"] for stream in shown.body["streams"]} == {"EVENTS", "LOGS", "PARKED"}
    retried = await service.post(
        "admin/parked/retry", {"reaction": "packager", "seq": 7}, world.token
    )
    assert retried.status == 503  # there is no packager in this test
    body = {"reaction": "packager", "seq": 7}
    assert (await service.post("admin/parked/discard", body, world.token)).status == 200
    assert (await service.call("GET", "/v1/api/admin/parked", world.token)).body == []
    assert (await service.post("admin/parked/discard", body, world.token)).status == 404


def test_all_reactions_are_counted_before_anything_of_theirs_is_parked() -> None:
    calls = [
        node
        for path in (Path(__file__).parents[2] / "services").rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "Reaction"
    ]
    names = [word.value for call in calls for word in call.keywords if word.arg == "name"]
    assert {ast.literal_eval(name) for name in names} == set(REACTIONS)
