"""The process for pipeline logs: there when it is asked, gone when it is not, and never missed."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import aiohttp
import orjson
import pyarrow as pa
import pytest
from aiohttp import web

from libs.domain.events import PipelineDeleted
from libs.domain.ids import StreamId
from libs.eventlog.envelope import Recorded
from libs.service.config import Secret
from libs.service.disk_reserve import DiskReserve
from libs.service.http import serving
from services.inference.logs import on_demand
from services.inference.logs.config import RECORDS
from services.inference.logs.on_demand import PipelineLogs, pipeline_logs, sealable
from services.inference.logs.write import Writer
from tests.inference.logs.records import AT, PIPELINE, head, json_body
from tests.logs.harness import until
from tests.servers import free_port

TOKEN = "internal"


@dataclass
class Service:
    """Stands for the inference service, which has these routes; `url` is where."""

    logs: PipelineLogs
    folder: Path
    url: str
    session: aiohttp.ClientSession

    async def post(self, path: str, **body: Any) -> tuple[int, bytes]:
        async with self.session.post(self.url + path, data=orjson.dumps(body)) as answer:
            return answer.status, await answer.read()

    async def rows(self) -> int:
        status, body = await self.post(f"pipelines/{PIPELINE}/records")
        assert status == 200, body
        return int(pa.ipc.open_file(body).read_all().num_rows)

    @property
    def process(self) -> asyncio.subprocess.Process:
        assert self.logs._process is not None
        return self.logs._process


@pytest.fixture
async def service(tmp_path: Path, dsn: str) -> AsyncIterator[Service]:
    environ = {
        "RONDO_NATS_URL": "nats://nowhere",
        "RONDO_LISTEN": "unix:/nowhere",
        "RONDO_POSTGRES_DSN": dsn,
        "RONDO_BLOBS_URL": f"file://{tmp_path}/blobs",
        "RONDO_DATA": str(tmp_path),
        "RONDO_LOG_RETENTION_DAYS": "36500",
        "PYTHONPATH": str(Path(__file__).parents[3]),
    }
    listen = f"127.0.0.1:{free_port()}"
    headers = {on_demand.TOKEN_HEADER: TOKEN}
    async with (
        pipeline_logs(environ, tmp_path, Secret(TOKEN)) as logs,
        aiohttp.ClientSession(headers=headers) as session,
    ):
        app = web.Application()
        logs.add_routes(app)
        async with serving(app, listen):
            url = f"http://{listen}{on_demand.PREFIX}"
            yield Service(logs, tmp_path / RECORDS, url, session)


async def test_it_starts_when_it_is_asked_and_again_when_it_was_killed(service: Service) -> None:
    assert service.logs._process is None
    writer = Writer(service.folder, DiskReserve(None, 0))
    writer.append(head(), json_body([[1.0]]))
    assert await service.rows() == 1
    first = service.process.pid
    writer.append(head(time=AT + 1), json_body([[2.0], [3.0]]))
    assert await service.rows() == 3
    assert service.process.pid == first
    os.kill(first, signal.SIGKILL)
    assert await service.rows() == 3
    assert service.process.pid != first
    writer.close()
    assert await service.post("seal") == (200, b'{"files": 1}')
    assert await service.rows() == 3
    readings = {one.name: one.value for one in await service.logs.readings()}
    assert readings["rondo_pipeline_logs_unsealed_files"] == 0
    assert readings["rondo_pipeline_logs_starts"] == 2


async def test_a_kill_while_it_is_asked_is_not_seen(service: Service) -> None:
    writer = Writer(service.folder, DiskReserve(None, 0))
    writer.append(head(), json_body([[1.0]]))
    await service.rows()

    async def kill() -> None:
        for _ in range(3):
            os.kill(service.process.pid, signal.SIGKILL)
            pid = service.process.pid
            await until(_is_other(service, pid))

    killing = asyncio.create_task(kill())
    while not killing.done():
        status, body = await service.post(f"pipelines/{PIPELINE}/count")
        assert (status, body) == (200, b'{"rows": 1}') or status == 503
    await killing
    writer.close()


def _is_other(service: Service, pid: int) -> Any:
    async def ask() -> bool:
        return service.process.pid != pid

    return ask


async def test_it_ends_when_nobody_asks(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    service.logs._environ["RONDO_LOG_IDLE_SECONDS"] = "0.1"
    assert await service.rows() == 0
    assert await asyncio.wait_for(service.process.wait(), 60) == 0
    assert await service.rows() == 0


async def test_a_file_is_sealed_though_nobody_reads(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(on_demand, "_LOOK_SECONDS", 0.05)
    looking = asyncio.create_task(service.logs.run())
    writer = Writer(service.folder, DiskReserve(None, 0))
    writer.append(head(), json_body([[1.0]]))
    writer.close()

    async def is_sealed() -> bool:
        return not list(service.folder.iterdir())

    await until(is_sealed)
    assert await service.rows() == 1
    looking.cancel()


@pytest.mark.parametrize("token", ["", "other"])
async def test_without_the_token_there_is_nothing(service: Service, token: str) -> None:
    url = f"{service.url}pipelines/{PIPELINE}/records"
    headers = {on_demand.TOKEN_HEADER: token}
    async with service.session.post(url, data=b"{}", headers=headers) as answer:
        assert answer.status == 404
    assert service.logs._process is None


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        (f"pipelines/{PIPELINE}/records", {"cursor": "x"}, 400),
        (f"pipelines/{PIPELINE}/records", {"limit": -1}, 400),
        (f"pipelines/{PIPELINE}/records", {"cursor": "1.2.3.99999999999999999999"}, 400),
        ("pipelines/x/records", {}, 400),
        ("nothing", {}, 404),
    ],
)
async def test_what_makes_no_sense_is_refused(
    service: Service, path: str, body: Any, status: int
) -> None:
    assert (await service.post(path, **body))[0] == status


def deletion(time: int) -> Recorded:
    return Recorded(
        seq=1,
        id="1",
        stream=StreamId(7, "pipeline", str(PIPELINE)),
        event=PipelineDeleted(),
        at=datetime.fromtimestamp(time / 1000, UTC),
        actor="ann",
        source="api",
        correlation="",
        causation="",
    )


@pytest.mark.parametrize("sealed", [False, True])
async def test_a_deleted_pipeline_has_no_log_and_a_new_one_of_its_name_has_its_own(
    service: Service, sealed: bool
) -> None:
    other = UUID(int=1, version=4)
    writer = Writer(service.folder, DiskReserve(None, 0))
    writer.append(head(), json_body([[1.0]]))
    writer.append(head(pipeline=other), json_body([[1.0]]))
    if sealed:
        writer.close()
        await service.post("seal")
    assert await service.rows() == 1
    await service.logs.reaction().handle(deletion(AT))
    assert await service.rows() == 0
    if not sealed:
        writer.close()
        await service.post("seal")
        assert await service.rows() == 0
    writer = Writer(service.folder, DiskReserve(None, 0))
    writer.append(head(time=AT + 1), json_body([[1.0]]))
    assert await service.rows() == 1
    assert (await service.post(f"pipelines/{other}/count"))[1] == b'{"rows": 1}'
    writer.close()


async def test_pipelines_of_a_run(service: Service) -> None:
    run = uuid4()
    writer = Writer(service.folder, DiskReserve(None, 0))
    writer.append(head(run=run), json_body([[1.0], [2.0]]))
    answer = await service.post(f"runs/{run}/pipelines")
    assert answer == (200, orjson.dumps({str(PIPELINE): 2}).replace(b":2", b": 2"))
    writer.close()


def test_a_file_is_sealable_once_its_writer_gives_it_up(tmp_path: Path) -> None:
    assert not sealable(tmp_path)
    writer = Writer(tmp_path, DiskReserve(None, 0))
    writer.append(head(), json_body([[1.0]]))
    assert not sealable(tmp_path)
    writer.close()
    assert sealable(tmp_path)


async def test_it_ends_at_once_if_its_service_has_ended_before() -> None:
    command = [sys.executable, "-P", "-m", "services.inference.logs", "1"]
    process = await asyncio.create_subprocess_exec(*command, env={})
    assert await process.wait() == 0
