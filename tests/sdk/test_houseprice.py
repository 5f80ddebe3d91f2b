"""examples/houseprice from the model to the prices that its batches write."""

import csv
import json
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import onnx
import pytest
from rondo import Client

from examples.houseprice import make_model, run
from examples.houseprice.data_server import HOUSES, server
from tests.platform import PATIENCE


@pytest.fixture
def data_url(tmp_path: Path) -> Iterator[str]:
    """Where the data server takes prices into `tmp_path`."""
    with server(tmp_path) as serving:
        thread = threading.Thread(target=serving.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{serving.server_port}"
        serving.shutdown()
        thread.join()


def test_the_job_prices_all_houses(client: Client, data_url: str, tmp_path: Path) -> None:
    pipeline = run.deployed(client)
    (result,) = pipeline.infer([run.FIRST])
    assert 100_000 < result["out.price"][0] < 1_000_000
    job, arguments = run.batch_job(client, data_url)
    ended = job.run_once("now", arguments).wait(PATIENCE)
    assert ended.status() == "success", ended.logs().texts()
    prices = json.loads((tmp_path / "prices.json").read_text())
    with HOUSES.open(newline="") as table:
        houses = list(csv.DictReader(table))
    assert [each["id"] for each in prices] == [each["id"] for each in houses]
    logged = pipeline.logs(limit=len(houses) + 1)
    assert [each["out.price"] for each in logged] == [
        *([each["price"]] for each in reversed(prices)),
        result["out.price"],
    ]
    pipeline.undeploy()


def test_the_model_file_is_what_the_script_makes() -> None:
    houses, prices = make_model.houses(np.random.default_rng(7))
    made = make_model.model(*make_model.boost(houses, prices))
    kept = onnx.load(run.HERE / "houseprice.onnx")
    assert made.graph.input == kept.graph.input
    (ours,), (theirs,) = made.graph.node, kept.graph.node
    assert {each.name: each.ints for each in ours.attribute} == {
        each.name: each.ints for each in theirs.attribute
    }
