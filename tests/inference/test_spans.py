"""An inference as spans, at a receiver that is a real process."""

import asyncio
from pathlib import Path

import pytest

from tests.inference.load import ROWS
from tests.inference.service import PATIENCE, Service
from tests.operations.test_tracing import Receiver, receiver

__all__ = ["receiver"]


@pytest.fixture
def traced(stopped_service: Service, receiver: Receiver) -> Service:
    where = f"http://127.0.0.1:{receiver.port}"
    stopped_service.environment["OTEL_EXPORTER_OTLP_ENDPOINT"] = where
    stopped_service.environment["OTEL_BSP_SCHEDULE_DELAY"] = "50"
    return stopped_service


async def test_a_request_shows_its_queue_its_run_and_its_record(
    traced: Service, receiver: Receiver, linear: Path
) -> None:
    await traced.start()
    deployed = await traced.deploy("houses", linear)
    await deployed.running()
    trace = "ab" * 16
    traced.session.headers["traceparent"] = f"00-{trace}-{'cd' * 8}-01"

    assert (await deployed.infer(ROWS))[0] == 200

    async with asyncio.timeout(PATIENCE):
        while True:
            names = [span["name"] for span in receiver.traces()[trace]]
            if "infer" in names:
                break
            await asyncio.sleep(0.02)
    assert {"infer", "queue", "run", "log"} <= set(names)
