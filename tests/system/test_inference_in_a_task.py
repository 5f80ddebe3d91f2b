"""A main.py as the MLOps tutorials have it: data by a connection, inference, results to another."""

import threading
from collections.abc import Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar
from uuid import uuid4

import pyarrow as pa
import pytest
from rondo import Client, Orchestration, Password, Pipeline

from tests.platform import PATIENCE, Platform, archive
from tests.supervisor.instance import wait_until

MODEL = Path(__file__).parents[2] / "examples" / "houseprice" / "houseprice.onnx"
HOUSE = [3.0, 2.0, 1800.0, 7500.0, 1.5, 4.0, 8.0, 30.0]
MAIN = """\
import pandas as pd
import pyarrow as pa
import requests
import wallaroo
from wallaroo.object import EntityNotFoundError

wl = wallaroo.Client()


def get_workspace(name):
    workspace = None
    for ws in wl.list_workspaces():
        if ws.name() == name:
            workspace = ws
    if workspace == None:
        workspace = wl.create_workspace(name)
    return workspace


def get_pipeline(name):
    try:
        pipeline = wl.pipelines_by_name(name)[0]
    except EntityNotFoundError:
        pipeline = wl.build_pipeline(name)
    return pipeline


if wl.in_task():
    arguments = wl.task_args()
wl.set_current_workspace(get_workspace(arguments["workspace_name"]))
pipeline = get_pipeline(arguments["pipeline_name"])
pipeline.deploy()
inference_source_connection = wl.get_connection(name=arguments["connection_name"])
headers = {"Accept": "application/vnd.apache.arrow.file"}
response = requests.get(inference_source_connection.details()["host"], headers=headers)
with pa.ipc.open_file(response.content) as reader:
    arrow_table = reader.read_all()
result = pipeline.infer(arrow_table)
assert isinstance(result, pa.Table)
prices = result.to_pandas()["out.price"]
print(len(prices), prices[0])
frame = pipeline.infer(pd.DataFrame({"tensor": arrow_table["tensor"].to_pylist()}))
assert isinstance(frame, pd.DataFrame)
columns = {"in.tensor": "in_tensor", "out.price": "out_price"}
results = frame.rename(columns=columns)[["in_tensor", "out_price"]].to_json(orient="records")
requests.put(inference_source_connection.details()["host"], data=results).raise_for_status()
pipeline.undeploy()
"""


class Data(BaseHTTPRequestHandler):
    """GET gives houses as an Arrow file, PUT takes what was made of them."""

    houses: ClassVar[bytes] = b""
    taken: ClassVar[list[bytes]] = []

    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(self.houses)

    def do_PUT(self) -> None:
        self.taken.append(self.rfile.read(int(self.headers["Content-Length"])))
        self.send_response(204)
        self.end_headers()


@pytest.fixture
def data_url() -> Iterator[str]:
    table, sink = pa.table({"tensor": [HOUSE] * 100}), pa.BufferOutputStream()
    with pa.ipc.new_file(sink, table.schema) as writer:
        writer.write(table)
    Data.houses, Data.taken[:] = sink.getvalue().to_pybytes(), []
    with ThreadingHTTPServer(("127.0.0.1", 0), Data) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/houses.arrow"
        server.shutdown()
        thread.join()


@dataclass
class Tutorial:
    """The pipeline, not deployed, and the script with its arguments."""

    pipeline: Pipeline
    job: Orchestration
    names: dict[str, str]


@pytest.fixture
def tutorial(platform: Platform, data_url: str) -> Tutorial:
    access, name = platform.access, f"tutorial-{uuid4().hex}"
    client = Client(access["url"], login=Password(access["user"], access["password"]))
    workspace = client.set_current_workspace(client.create_workspace(name))
    model = client.upload_model("house-price", MODEL).configure(tensor_fields=["tensor"])
    pipeline = client.build_pipeline("prices").add_model_step(model)
    pipeline.create_version()
    client.create_connection(name, "HTTPFILE", {"host": data_url})
    workspace.add_connection(name)
    job = client.upload_orchestration(archive({"main.py": MAIN}), file_name="job.zip").wait()
    names = {"workspace_name": name, "pipeline_name": "prices", "connection_name": name}
    return Tutorial(pipeline, job, names)


def test_a_script_of_the_tutorials(tutorial: Tutorial) -> None:
    pipeline = tutorial.pipeline
    run = tutorial.job.run_once("tutorial", tutorial.names).wait(PATIENCE)
    assert run.status() == "success", run.logs().texts()
    (price,) = pipeline.logs(limit=1)[0]["out.price"]
    assert run.logs().texts() == [f"100 [{price}]"]
    assert len(pipeline.logs(limit=1000)) == 200
    assert Data.taken[0].count(b'"out_price"') == 100
    assert "not deployed" in pipeline.status()["status"]


def test_the_script_on_a_schedule(tutorial: Tutorial) -> None:
    """Each run deploys, infers, writes its results and undeploys; none meets another."""
    task = tutorial.job.run_scheduled("nightly", "* * * * * *", tutorial.names, overlap="skip")
    wait_until(lambda: len(task.last_runs(status="success")) >= 3)
    task.pause()
    wait_until(lambda: all(run.status() != "running" for run in task.last_runs()))
    runs = task.last_runs()
    assert {run.status() for run in runs} == {"success"}
    assert len({text for run in runs for text in run.logs().texts()}) == 1
    assert len(Data.taken) == len(runs)
    assert len(tutorial.pipeline.logs(limit=10_000)) == 200 * len(runs)
    assert "not deployed" in tutorial.pipeline.status()["status"]
    task.kill()
