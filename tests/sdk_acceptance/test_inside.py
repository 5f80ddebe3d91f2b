"""One main.py as a task: with the published SDK, which it pins, and with ours, which is there."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from uuid import uuid4

import pyarrow as pa
import pytest
from aiohttp import test_utils, web

from tests.inference import models
from tests.platform import Api, Platform, api, until

SCRIPTS = Path(__file__).parent / "scripts"
MAIN = (SCRIPTS / "inside.py").read_text()
INFERENCE = (SCRIPTS / "inside_inference.py").read_text()
HOUSES = "rooms,price\n3,500\n4,750\n"
PINNED = "2026.1.3"
PACKAGED_WITHIN = 200.0  # s: the published SDK is half a gigabyte

pytestmark = pytest.mark.timeout(400)


async def test_the_same_lines_with_either_sdk(platform: Platform) -> None:
    name, workspace = f"houses-{uuid4().hex}", f"inside-{uuid4().hex}"
    details = {"host": platform.access["url"], "n": [1, None]}
    async with api(platform, workspace) as client:
        made = {"name": name, "type": "HTTPFILE", "details": details}
        connection = await client.post("connections/create", made)
        attached = {"workspace_id": client.workspace, "connection_id": connection["id"]}
        await client.post("connections/add_to_workspace", attached)
        ours = await packaged(client, "")
        published = await packaged(client, f"wallaroo=={PINNED}\nrequests\n")
        arguments = {"connection": name, "workspace_name": workspace}
        version, *by_ours = await printed(client, ours, arguments)
        assert version not in ("", PINNED)
        version, *by_published = await printed(client, published, arguments)
        assert version == PINNED
    assert by_published == by_ours
    assert len(by_ours) == 10
    assert "in a task: True True" in by_ours
    assert f"connection: HTTPFILE {json.dumps(details)}" in by_ours
    assert "fetched: {'status': 'ok'}" in by_ours
    assert "data: 1250" in by_ours


@asynccontextmanager
async def served(content: bytes) -> AsyncIterator[str]:
    """The address of a file, as of a data source on the internet."""

    async def file(_: web.Request) -> web.Response:
        return web.Response(body=content)

    app = web.Application()
    app.router.add_get("/rows.arrow", file)
    async with test_utils.TestServer(app) as server:
        yield str(server.make_url("/rows.arrow"))


def rows_of(width: int) -> bytes:
    """Ten rows as tutorials have them in files: lists of a fixed size."""
    flat = pa.array([float(number % 7) for number in range(10 * width)], pa.float32())
    table = pa.table({"tensor": pa.FixedSizeListArray.from_arrays(flat, width)})
    sink = pa.BufferOutputStream()
    with pa.ipc.new_file(sink, table.schema) as writer:
        writer.write_table(table)
    return bytes(sink.getvalue())


async def pipeline(client: Api, model: Path) -> None:
    """`houses`, with one model, not deployed."""
    query = {"name": "m", "filename": model.name, "workspace_id": str(client.workspace)}
    path = "/v1/api/models/upload_stream"
    async with client.session.post(path, params=query, data=model.read_bytes()) as answer:
        uploaded = await answer.json()
    (version,) = uploaded["insert_models"]["returning"][0]["models"]
    found = await client.post("models/get_version_by_id", {"model_version_id": version["id"]})
    state = found["model_version"]["model_version"]
    file = state["file_info"]
    model_ref = {"name": "m", "version": file["version"], "sha": file["sha"]}
    definition = {"steps": [{"ModelInference": {"models": [model_ref]}}]}
    made = {"pipeline_id": "houses", "workspace_id": client.workspace, "definition": definition}
    await client.post("pipelines/create", made)


async def test_a_task_deploys_infers_and_undeploys_with_either_sdk(
    platform: Platform, tmp_path: Path
) -> None:
    name, workspace = f"rows-{uuid4().hex}", f"inside-{uuid4().hex}"
    async with served(rows_of(3)) as address, api(platform, workspace) as client:
        made = {"name": name, "type": "HTTPFILE", "details": {"host": address}}
        connection = await client.post("connections/create", made)
        attached = {"workspace_id": client.workspace, "connection_id": connection["id"]}
        await client.post("connections/add_to_workspace", attached)
        await pipeline(client, models.linear(tmp_path / "linear.onnx"))
        arguments = {
            "connection": name,
            "workspace_name": workspace,
            "pipeline_name": "houses",
            "email": platform.access["user"],
        }
        ours = await packaged(client, "", INFERENCE)
        published = await packaged(client, f"wallaroo=={PINNED}\nrequests\n", INFERENCE)
        by_ours = await printed(client, ours, arguments)
        by_published = await printed(client, published, arguments)
    assert "email: True" in by_ours
    assert "status: Running" in by_ours
    assert "undeployed: True" in by_ours
    assert f"arrow: 10 {expected_sum()}" in by_ours
    assert "frame: 6.1" in by_ours
    told = ("Waiting", "Deployment", " ok")
    assert [line for line in by_published if not line.startswith(told)] == [
        line for line in by_ours if not line.startswith(told)
    ]


def expected_sum() -> float:
    """Of what the model makes of the rows: each number by the place in its row, plus 0.1 a row."""
    sums = (
        sum((place + 1) * ((3 * row + place) % 7) for place in range(3)) + 0.1 for row in range(10)
    )
    return round(sum(sums), 2)


async def packaged(client: Api, requirements: str, main: str = MAIN) -> str:
    """The id of an orchestration that can run."""
    files = {"main.py": main, "requirements.txt": requirements, "data/houses.csv": HOUSES}
    id = await client.upload(files, "inside")

    async def ready() -> bool:
        found = await client.post("orchestration/get_by_id", {"id": id})
        assert found["status"] != "error", found["reason"]
        return bool(found["status"] == "ready")

    await until(ready, "packaging", PACKAGED_WITHIN)
    return id


async def printed(client: Api, orchestration: str, arguments: dict[str, str]) -> list[str]:
    """What a task of it writes to its standard output, once it has succeeded."""
    task = await client.run(orchestration, name="inside", json=arguments)
    (run,) = await client.ended(task)
    log = await client.log(run["run_id"])
    assert (run["status"], log["complete"]) == ("success", True), log["logs"]
    lines = [line.split(" ", 3) for line in log["logs"]]
    return [text for _, stream, _, text in lines if stream == "stdout"]
