"""The service with its stores; models of a kind."""

import asyncio
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import numpy as np
import pytest
from onnx.helper import make_graph, make_node, make_tensor_value_info

from libs.eventlog.log import EventLog
from libs.eventlog.nats_client import Nats
from tests.inference import models
from tests.inference.front import Front, opened
from tests.inference.service import Permits, Service, clean, environment
from tests.servers import NatsServer, free_port


@pytest.fixture
async def stopped_service(
    nats: Nats, nats_process: NatsServer, dsn: str, log: EventLog
) -> AsyncIterator[Service]:
    """It is to be started."""
    folder = Path(tempfile.mkdtemp(prefix="rondo-inference-"))
    folder.chmod(0o755)
    permits = Permits()
    api = await permits.start()
    port = free_port()
    async with aiohttp.ClientSession() as session:
        where = environment(folder, nats_process.url, dsn, api, port)
        one = Service(folder, where, log, permits, session, port)
        try:
            yield one
        finally:
            await asyncio.to_thread(one.stop)
            if permits.runner is not None:
                await permits.runner.cleanup()
            clean(folder)


@pytest.fixture
async def service(stopped_service: Service) -> Service:
    """It runs, and serves nothing yet."""
    await stopped_service.start()
    return stopped_service


@pytest.fixture
async def front(stopped_service: Service) -> AsyncIterator[Front]:
    """Before the service, which listens on a unix socket, as under `rondo up`."""
    async with opened(stopped_service) as one:
        yield one


@pytest.fixture
def linear(tmp_path: Path) -> Path:
    """Three numbers, times 1, 2 and 3, and 0.1."""
    return models.linear(tmp_path / "linear.onnx")


@pytest.fixture
def slow(tmp_path: Path) -> Path:
    """Adds as many times as its `input` [N, 1] says: 1e9 takes longer than any test."""
    body = make_graph(
        [make_node("Identity", ["more"], ["still"]), make_node("Add", ["value", "one"], ["next"])],
        "body",
        [
            make_tensor_value_info("round", models.INT64, []),
            make_tensor_value_info("more", models.BOOL, []),
            make_tensor_value_info("value", models.FLOAT, None),
        ],
        [
            make_tensor_value_info("still", models.BOOL, []),
            make_tensor_value_info("next", models.FLOAT, None),
        ],
    )
    return models.save(
        tmp_path / "slow.onnx",
        [
            make_node("ReduceMax", ["input"], ["most"], keepdims=0),
            make_node("Cast", ["most"], ["rounds"], to=models.INT64),
            make_node("Loop", ["rounds", "", "input"], ["output"], body=body),
        ],
        {"input": (models.FLOAT, ["N", 1])},
        {"output": (models.FLOAT, ["N", 1])},
        {"one": np.array(1.0, np.float32)},
    )


@pytest.fixture
def hungry(tmp_path: Path) -> Path:
    """Takes as many MiB as its `input` [N, 1] says, one after the other."""
    body = make_graph(
        [
            make_node("Identity", ["more"], ["still"]),
            make_node("ConstantOfShape", ["shape"], ["mib"]),
            make_node("Concat", ["value", "mib"], ["next"], axis=0),
        ],
        "body",
        [
            make_tensor_value_info("round", models.INT64, []),
            make_tensor_value_info("more", models.BOOL, []),
            make_tensor_value_info("value", models.FLOAT, None),
        ],
        [
            make_tensor_value_info("still", models.BOOL, []),
            make_tensor_value_info("next", models.FLOAT, None),
        ],
    )
    return models.save(
        tmp_path / "hungry.onnx",
        [
            make_node("ReduceMax", ["input"], ["most"], keepdims=0),
            make_node("Cast", ["most"], ["rounds"], to=models.INT64),
            make_node("Loop", ["rounds", "", "none"], ["all"], body=body),
            make_node("ReduceSum", ["all"], ["sum"], keepdims=0),
            make_node("Add", ["input", "sum"], ["output"]),
        ],
        {"input": (models.FLOAT, ["N", 1])},
        {"output": (models.FLOAT, ["N", 1])},
        {"shape": np.array([1 << 18], np.int64), "none": np.zeros(0, np.float32)},
    )
