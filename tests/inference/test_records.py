"""I10: what was answered is in the pipeline's log, once, and before the answer is told."""

import asyncio
import io
import itertools
import os
import random
import signal
from pathlib import Path
from typing import Any

import aiohttp
import orjson
import pyarrow as pa

from tests.inference.service import INTERNAL, Deployed, Service
from tests.logs.harness import until

ARROW = "application/vnd.apache.arrow.file"
CALLER = "7d9cbd4f-0a0e-4b3f-9d3f-3d0a9c8a5d11"


async def records(deployed: Deployed, **query: Any) -> list[dict[str, Any]]:
    service, found = deployed.service, []
    url = f"{service.url}/internal/logs/pipelines/{deployed.pipeline}/records"
    query = {"form": "json", "separator": None, "dataset": ["*", "request"], **query}
    while True:
        headers = {"Rondo-Internal-Token": INTERNAL}
        async with service.session.post(url, data=orjson.dumps(query), headers=headers) as page:
            assert page.status == 200, await page.text()
            found += await page.json()
            if page.headers["Rondo-Log-Status"] == "All":
                return found
            query["cursor"] = page.headers["Rondo-Log-Next"]


async def test_an_answer_is_in_the_log_before_it_is_told(service: Service, linear: Path) -> None:
    deployed = await service.deploy("houses", linear)
    state = await deployed.running()
    for number in range(3):
        rows = [{"tensor": [float(number), 0.1, 1.0]}, {"tensor": [0.0, 0.0, 0.0]}]
        _, answer = await deployed.infer(rows)
        *_, one, other = await records(deployed)
        for told, logged in ((answer[0], one), (answer[1], other)):
            assert logged.pop("request")["caller"] == CALLER
            metadata = logged.pop("metadata")
            assert metadata["partition"] == str(state.replicas[0].id)
            assert metadata["pipeline_version"] == str(deployed.version)
            told.pop("metadata", None)
            assert logged == told
    assert len(await records(deployed)) == 6


async def test_a_refused_request_leaves_no_record(service: Service, linear: Path) -> None:
    deployed = await service.deploy("houses", linear)
    await deployed.running()

    status, answer = await deployed.infer([{"tensor": ["text"]}])

    assert (status, answer["source"]) == (400, "engine")
    assert await records(deployed) == []


async def test_arrow_is_logged_with_its_types(service: Service, linear: Path) -> None:
    deployed = await service.deploy("houses", linear)
    await deployed.running()
    table = pa.table({"tensor": pa.array([[1, 2, 3], [4, 5, 6]], pa.list_(pa.float32(), 3))})
    sent = io.BytesIO()
    with pa.ipc.new_file(sent, table.schema) as file:
        file.write_table(table)
    headers = {"Authorization": "Bearer good", "Content-Type": ARROW}
    query = "?dataset[]=*&dataset.exclude[]=metadata&dataset.separator=."
    async with service.session.post(
        deployed.url + query, data=sent.getvalue(), headers=headers
    ) as answered:
        assert answered.status == 200, await answered.text()
        told = pa.ipc.open_file(await answered.read()).read_all()
    url = f"{service.url}/internal/logs/pipelines/{deployed.pipeline}/records"
    asked = orjson.dumps({"exclude": ["metadata"]})
    async with service.session.post(
        url, data=asked, headers={"Rondo-Internal-Token": INTERNAL}
    ) as page:
        logged = pa.ipc.open_file(await page.read()).read_all()
    assert logged.column_names == told.column_names
    for name in told.column_names:
        assert logged[name].to_pylist() == told[name].to_pylist(), name
        assert logged.schema.field(name).type.equals(told.schema.field(name).type), name


class Callers:
    """They infer one number after the other, and remember which were answered."""

    def __init__(self, deployed: Deployed) -> None:
        self.answered: set[float] = set()
        self._deployed = deployed
        self._numbers = itertools.count(1)
        self.over = False

    async def run(self) -> None:
        while not self.over:
            number = float(next(self._numbers))
            try:
                status, answer = await self._deployed.infer([{"tensor": [number, 0.0, 0.0]}])
            except aiohttp.ClientError:
                await asyncio.sleep(0.01)
                continue
            if status == 200:
                assert answer[0]["in"]["tensor"][0] == number
                self.answered.add(number)

    async def more(self, count: int) -> None:
        wanted = len(self.answered) + count

        async def enough() -> bool:
            return len(self.answered) >= wanted

        await until(enough)


async def test_kills_under_load_lose_no_answered_inference_and_double_none(
    service: Service, linear: Path
) -> None:
    draw = random.Random(11)
    deployed = await service.deploy("houses", linear)
    await deployed.running()
    callers = Callers(deployed)
    async with asyncio.TaskGroup() as tasks:
        for _ in range(6):
            tasks.create_task(callers.run())
        for _ in range(3):
            await callers.more(draw.randrange(20, 200))
            for pid in await deployed.pids():
                os.kill(pid, signal.SIGKILL)
            await callers.more(draw.randrange(20, 200))
            assert service.process is not None
            service.process.kill()
            await asyncio.to_thread(service.process.wait)
            await service.start()
            logged = [one["in"]["tensor"][0] for one in await records(deployed)]
            assert len(set(logged)) == len(logged)
        await callers.more(20)
        callers.over = True
    logged = [one["in"]["tensor"][0] for one in await records(deployed)]
    assert len(set(logged)) == len(logged), "an inference is in the log twice"
    assert callers.answered <= set(logged), "an answered inference is missing"
    newest = await records(deployed, descending=True)
    assert [one["in"]["tensor"][0] for one in newest] == logged[::-1]
    times = [one["time"] for one in newest]
    assert times == sorted(times, reverse=True)
