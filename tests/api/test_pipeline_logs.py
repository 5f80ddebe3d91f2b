"""Pipeline logs over HTTP, with the process that seals and reads them."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote
from uuid import UUID, uuid4

import aiohttp
import pyarrow as pa
import pytest

from libs.domain.ids import pipeline_stream
from libs.service.disk_reserve import DiskReserve
from services.api.pipeline_logs.schemas import LogQuery
from services.inference.logs import log_query
from services.inference.logs.write import Writer
from tests.api.service import Service
from tests.api.test_pipelines import built
from tests.api.world import World
from tests.inference.logs.records import AT, head, json_body

ARROW = "application/vnd.apache.arrow.file"
FLAT = {"dataset[]": "*", "dataset.separator": "."}


class Log:
    """That of a pipeline, as its users call it."""

    def __init__(self, world: World, workspace: int, number: int, writer: Writer) -> None:
        self.world, self.workspace, self.number = world, workspace, number
        self.pipeline = UUID(pipeline_stream(workspace, "p").id)
        self.topic = f"workspace-{workspace}-pipeline-p-inference"
        self._writer = writer

    def infer(self, *rows: float, at: int = AT) -> None:
        """As the gateway writes it down."""
        self._writer.append(head(time=at, pipeline=self.pipeline), json_body([[x] for x in rows]))

    async def records(
        self, body: Any = None, topic: str = "", token: str = "", **query: Any
    ) -> tuple[int, pa.Table, dict[str, Any]]:
        url = f"{self.world.service.url}/v1/logs/topic/{quote(topic or self.topic)}/records"
        headers = {"Authorization": f"Bearer {token or self.world.token}", "Accept": ARROW}
        async with (
            aiohttp.ClientSession(headers=headers) as session,
            session.post(url, json=body or {}, params=query or FLAT) as answer,
        ):
            content = await answer.read()
            if answer.status != 200:
                return answer.status, json.loads(content), {}
            table = pa.ipc.open_file(content).read_all()
            return 200, table, json.loads(table.schema.metadata[b"status"])

    async def values(self, body: Any = None, **query: Any) -> tuple[list[float], dict[str, Any]]:
        _, table, about = await self.records(body, **(FLAT | query))
        rows = table["in.tensor"].to_pylist() if table.num_rows else []
        return [row[0] for row in rows], about


@pytest.fixture(scope="module")
def writer(service: Service) -> Iterator[Writer]:
    writer = Writer(service.records, DiskReserve(None, 0))
    yield writer
    writer.close()


@pytest.fixture
async def log_of(world: World, writer: Writer) -> Log:
    workspace = await world.workspace()
    made = await built(world, workspace)
    return Log(world, workspace, made["pipeline_pk_id"], writer)


async def test_the_name_of_a_log(log_of: Log) -> None:
    body = {"pipeline_pk_id": log_of.number}
    answer = await log_of.world.post("plateau/get_topic_name", body)
    assert answer == {"topic_name": log_of.topic}


async def test_what_the_sdk_asks_for_without_times(log_of: Log) -> None:
    log_of.infer(1, 2)
    log_of.infer(3, at=AT + 1)
    assert (await log_of.values(page_size=100, order="desc"))[0] == [3, 2, 1]
    found, about = await log_of.values(page_size=2, order="desc")
    assert (found, about["status"]) == ([3, 2], "RecordLimited")
    found, about = await log_of.values(about["next"], page_size=2, order="desc")
    assert (found, about["status"]) == ([1], "All")


async def test_what_the_sdk_asks_for_with_times(log_of: Log) -> None:
    for number in range(5):
        log_of.infer(number, at=AT + 1000 * number)
    start = datetime.fromtimestamp(AT / 1000 + 1, UTC).isoformat()
    end = datetime.fromtimestamp(AT / 1000 + 3, UTC).isoformat()
    assert (await log_of.values(**{"time.start": start, "time.end": end}))[0] == [1, 2, 3]
    later = start.replace("+00:00", ".000001+00:00")
    assert (await log_of.values(**{"time.start": later, "time.end": end}))[0] == [2, 3]
    assert (await log_of.values(**{"time.start": later.replace("+00:00", "Z")}))[0] == [2, 3, 4]


async def test_columns_are_those_that_were_asked_for(log_of: Log) -> None:
    log_of.infer(1)
    _, table, _ = await log_of.records(**FLAT)
    assert table.column_names[:4] == ["time", "in.tensor", "out.variable", "anomaly.count"]
    assert table["metadata.dropped"].to_pylist() == [[]]
    _, table, _ = await log_of.records(**{"dataset[]": "out", "dataset.separator": "."})
    assert table.column_names == ["time", "out.variable"]
    _, table, _ = await log_of.records(**(FLAT | {"dataset.exclude[]": "metadata"}))
    assert table.column_names == ["time", "in.tensor", "out.variable", "anomaly.count"]
    _, table, _ = await log_of.records(**{"dataset[]": "*"})
    assert table.column_names == ["time", "in", "out", "anomaly", "metadata"]


async def test_failures_are_an_empty_log(log_of: Log) -> None:
    log_of.infer(1)
    _, table, about = await log_of.records(topic=f"{log_of.topic}-failures", **FLAT)
    assert (table.column_names, table.num_rows, about) == (["time"], 0, {"status": "All"})


async def test_what_assays_ask_for(log_of: Log) -> None:
    """First how much there is, then the newest from a position on, then what has come since."""
    service, path = log_of.world.service, f"/v1/logs/topic/{log_of.topic}"
    answer = await service.call("GET", path, log_of.world.token)
    assert answer.body == {"partitions": {}}
    for number in range(5):
        log_of.infer(number, at=AT + number)
    answer = await service.call("GET", path, log_of.world.token)
    assert answer.body == {"partitions": {"rondo": {"start": 0, "end": 5}}}
    found, about = await log_of.values({"rondo": 2}, page_size=3)
    assert found == [2, 3, 4]
    assert (await log_of.values(about["next"], page_size=3))[0] == []
    log_of.infer(5, at=AT + 5)
    assert (await log_of.values(about["next"], page_size=3))[0] == [5]


async def test_nested_records_page_by_page(log_of: Log) -> None:
    log_of.infer(1, 2)
    log_of.infer(3, at=AT + 1)
    body = {"pipeline_name": "p", "workspace_id": log_of.workspace, "page_size": 2}
    call = log_of.world.service.post
    first = await call("pipelines/get_logs", body, log_of.world.token)
    record = first.body[0]
    assert record.pop("metadata")["dropped"] == []
    assert record == {
        "time": AT,
        "in": {"tensor": [1.0]},
        "out": {"variable": [2.0]},
        "anomaly": {"count": 0},
    }
    assert first.headers["x-iteration-status"] == "RecordLimited"
    body["cursor"] = first.headers["x-iteration-cursor"]
    second = await call("pipelines/get_logs", body, log_of.world.token)
    assert [record["in"]["tensor"] for record in second.body] == [[3.0]]
    assert second.headers["x-iteration-status"] == "All"
    body = {**body, "order": "desc", "cursor": None, "start_time": "2023-11-14T22:13:20.001Z"}
    newest = await call("pipelines/get_logs", body, log_of.world.token)
    assert [record["in"]["tensor"] for record in newest.body] == [[3.0]]


async def test_nested_records_as_arrow(log_of: Log) -> None:
    log_of.infer(1)
    service, token = log_of.world.service, log_of.world.token
    headers = {"Authorization": f"Bearer {token}", "Accept": ARROW}
    body = {"pipeline_name": "p", "workspace_id": log_of.workspace}
    async with (
        aiohttp.ClientSession(headers=headers) as session,
        session.post(f"{service.url}/v1/api/pipelines/get_logs", json=body) as answer,
    ):
        assert answer.content_type == ARROW
        table = pa.ipc.open_file(await answer.read()).read_all()
    assert table["in"].to_pylist() == [{"tensor": [1.0]}]


async def test_of_others_there_is_nothing(
    log_of: Log, service: Service, people: dict[str, UUID]
) -> None:
    log_of.infer(1)
    token = await service.login("outsider@example.org")
    status, body, _ = await log_of.records(token=token)
    assert (status, set(body)) == (403, {"code", "msg", "reason"})
    other = await log_of.world.workspace()
    for topic in (
        f"workspace-{other}-pipeline-p-inference",
        f"workspace-{log_of.workspace}-pipeline-q-inference",
        f"workspace-{log_of.workspace}-pipeline-p",
        "workspace-0-pipeline-p-inference",
        f"{log_of.topic}x",
        str(uuid4()),
    ):
        status, body, _ = await log_of.records(topic=topic)
        assert (status, body["msg"].partition(":")[0]) in ((404, "topic"), (404, "workspace_id"))


@pytest.mark.parametrize(
    ("field", "body", "query"),
    [
        ("cursor", {"cursor": "1.2"}, FLAT),
        ("body", {"a": 1, "b": 2}, FLAT),
        ("body", {"a": -1}, FLAT),
        ("order", {}, {"order": "up"}),
        ("page_size", {}, {"page_size": "-1"}),
        ("page_size", {}, {"page_size": "many"}),
        ("time.start", {}, {"time.start": "yesterday"}),
        ("time.end", {}, {"time.end": "1700000000000"}),
    ],
)
async def test_bad_input_is_named(log_of: Log, field: str, body: Any, query: Any) -> None:
    status, answer, _ = await log_of.records(body, **query)
    assert (status, answer["msg"].partition(":")[0]) in ((400, field), (400, "cursor")), answer


def test_a_question_is_written_as_it_is_read() -> None:
    """The services share no code, so their words are held together here."""
    asked, read = LogQuery(), log_query.LogQuery()
    assert asked.__struct_fields__ == read.__struct_fields__
    for name in asked.__struct_fields__:
        assert getattr(asked, name) == getattr(read, name)
