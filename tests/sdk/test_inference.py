"""Models, pipelines and inferences by the SDK, from a file to the rows of a log."""

import asyncio
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pyarrow as pa
import pytest
from rondo import AsyncClient, Client, DynamicBatchingConfig, ModelVersion, Pipeline, column
from rondo.errors import (
    Conflict,
    DeploymentFailed,
    EntityNotFoundError,
    InferenceError,
    ModelFailed,
    ModelUploadFailed,
    RequestRefused,
)

from tests.platform import PATIENCE, archive

MODEL = Path(__file__).parents[2] / "examples" / "houseprice" / "houseprice.onnx"
HOUSE = [3, 2, 1800, 7500, 1.5, 4, 8, 30]
ROW = {"tensor": HOUSE}


@pytest.fixture
def model(client: Client) -> ModelVersion:
    return client.upload_model("houseprice", MODEL)


@pytest.fixture
def pipeline(client: Client, model: ModelVersion) -> Any:
    """Deployed with that model."""
    deployed = client.build_pipeline("houseprice").add_model_step(model).deploy(timeout=PATIENCE)
    yield deployed
    deployed.undeploy()


def test_models_and_their_versions(client: Client, model: ModelVersion) -> None:
    assert (model.name(), model.file_name(), model.status()) == (
        "houseprice",
        "houseprice.onnx",
        "ready",
    )
    again = client.upload_model("houseprice", bytes_buffer=MODEL.read_bytes(), file_name="it.onnx")
    assert (again.sha(), again.file_name()) == (model.sha(), "it.onnx")
    (found,) = client.list_models()
    assert found.name() == "houseprice"
    assert [one.id() for one in found.versions()] == [again.id(), model.id()]
    assert client.get_model("houseprice").id() == again.id()
    assert client.get_model("houseprice", model.version()).id() == model.id()
    with pytest.raises(EntityNotFoundError, match="no version"):
        client.get_model("houseprice", str(uuid4()))
    with pytest.raises(EntityNotFoundError, match="no model"):
        client.get_model("nothing")
    found.delete()
    assert client.list_models() == []


def test_a_version_that_is_broken_has_a_way_out(client: Client) -> None:
    with pytest.raises((ModelUploadFailed, ModelFailed)):
        client.upload_model("broken", bytes_buffer=b"no model")
    (found,) = client.list_models()
    (broken,) = found.versions()
    assert broken.status() == "error"
    assert broken.error_summary() in broken.get_upload_logs()[-1]
    assert len(broken.get_upload_logs(limit=1)) == 1
    broken.delete()
    assert found.versions() == []
    found.delete()
    assert client.list_models() == []


def test_what_is_deployed_is_not_deleted(model: ModelVersion, pipeline: Pipeline) -> None:
    with pytest.raises(Conflict, match="undeploy it first"):
        model.delete()
    newest, *older = pipeline.versions()
    pipeline.delete_version(newest)
    assert [one.id() for one in pipeline.versions()] == [one.id() for one in older]


def test_things_tell_their_tags(client: Client, model: ModelVersion) -> None:
    pipeline, tag = client.build_pipeline("tagged"), client.create_tag("approved")
    assert (model.tags(), pipeline.tags()) == ([], [])
    tag.add_to_model(model.id())
    tag.add_to_pipeline(pipeline.id())
    assert [one.tag() for one in (*model.tags(), *pipeline.tags())] == ["approved", "approved"]


def test_a_config_stays_with_its_version(client: Client, model: ModelVersion) -> None:
    assert model.configure(tensor_fields=["tensor"]).config()["tensor_fields"] == ["tensor"]
    assert client.get_model("houseprice").config()["tensor_fields"] == ["tensor"]
    batched = model.configure(dynamic_batching_config=DynamicBatchingConfig(5, 16)).config()
    wanted = {"max_batch_delay_ms": 5, "batch_size_target": 16, "batch_size_limit": None}
    assert batched["dynamic_batching_config"] == wanted
    with pytest.raises(RequestRefused, match="2 columns for 1 inputs"):
        model.configure(tensor_fields=["a", "b"])


def test_files_that_are_no_models_say_so(client: Client) -> None:
    for content in (b"", b"no model", MODEL.read_bytes()[:1000]):
        with pytest.raises((ModelUploadFailed, ModelFailed)):
            client.upload_model("broken", bytes_buffer=content)
    with pytest.raises(ModelUploadFailed, match="sklearn"):
        client.upload_model("pickled", MODEL, "sklearn")
    with pytest.raises(ValueError, match="one of them"):
        client.upload_model("nothing")


def test_the_same_answer_in_every_format(pipeline: Pipeline, tmp_path: Path) -> None:
    (row,) = pipeline.infer([ROW])
    assert list(row) == ["time", "in.tensor", "out.price", "anomaly.count"]
    assert row["in.tensor"] == HOUSE
    (price,) = row["out.price"]
    assert pipeline.infer({"tensor": [HOUSE, HOUSE]})[1]["out.price"] == [price]
    table = pipeline.infer(pa.table({"tensor": [HOUSE]}))
    assert table.column_names == list(row)
    assert str(table["out.price"][0].as_py()[0]).startswith(f"{price}"[:6])
    (tmp_path / "rows.json").write_text(json.dumps([ROW]))
    (fetched,) = pipeline.infer_from_file(tmp_path / "rows.json", dataset=["out", "metadata"])
    assert fetched["out.price"] == [price]
    assert {name.partition(".")[0] for name in fetched} == {"out", "metadata"}
    with pa.OSFile(str(tmp_path / "rows.arrow"), "wb") as file:
        inputs = pa.table({"tensor": [HOUSE] * 3})
        with pa.ipc.new_file(file, inputs.schema) as writer:
            writer.write(inputs)
    assert pipeline.infer_from_file(tmp_path / "rows.arrow").num_rows == 3
    assert isinstance(pipeline.infer((tmp_path / "rows.arrow").read_bytes()), bytes)


def test_errors_of_inferences_name_the_column(client: Client, pipeline: Pipeline) -> None:
    with pytest.raises(InferenceError, match="'tensor'") as refused:
        pipeline.infer([{"tensor": [1, 2]}])
    assert refused.value.status == 400
    with pytest.raises(InferenceError) as undeployed:
        pipeline.undeploy().infer([ROW])
    assert undeployed.value.status == 404
    assert "not deployed" in pipeline.status()["status"]
    never = client.build_pipeline("never")
    assert never.status() == {"status": "Pipeline never is not deployed"}
    with pytest.raises(InferenceError):
        never.infer([ROW])


def test_what_a_found_pipeline_serves(client: Client, model: ModelVersion) -> None:
    built = client.build_pipeline("found").add_model_step(model).add_model_step(model)
    shadowed = built.clear().add_shadow_deploy(model, [model]).create_version()
    found = client.get_pipeline("found")
    assert found.deploy(timeout=PATIENCE).versions()[0].steps() == shadowed.steps()
    assert "out_houseprice.price" in found.infer([ROW])[0]
    first = found.versions()[-1]
    with pytest.raises(RequestRefused, match="no step runs a model"):
        client.get_pipeline("found", first.id()).deploy()
    assert [one.name() for one in client.pipelines_by_name("found")] == ["found"]
    (served,) = client.list_deployments(client.get_current_workspace().id())
    assert (served.name(), served.status(), served.replicas()) == ("found", "running", 1)
    with pytest.raises(Conflict, match="undeploy"):
        found.delete()
    found.undeploy().delete()
    with pytest.raises(EntityNotFoundError):
        client.get_pipeline("found")
    with pytest.raises(EntityNotFoundError):
        client.pipelines_by_name("found", client.get_current_workspace().id())


def test_validations_and_splits_show_in_the_answer(client: Client, model: ModelVersion) -> None:
    steps = client.build_pipeline("checked").add_random_split([(1, model), (3, model)])
    price = column("out.price")[0]
    checked = steps.add_validations(dear=price > 1.0, cheap=price < 1.0).deploy(timeout=PATIENCE)
    (row,) = checked.infer([ROW])
    assert (row["anomaly.dear"], row["anomaly.cheap"], row["anomaly.count"]) == (True, False, 1)
    chosen = json.loads(row["out._model_split"][0])
    assert chosen["model_version"]["name"] == "houseprice"
    checked.undeploy()


FAILING = "def process_data(input_data):\n    return input_data['nothing']\n"


def test_a_step_in_python_that_fails_names_the_line(client: Client) -> None:
    schema = pa.schema([pa.field("x", pa.float32())])
    archived = archive({"step.py": FAILING})
    step = client.upload_model("step", None, "python", schema, schema, bytes_buffer=archived)
    pipeline = client.build_pipeline("failing").add_model_step(step).deploy(timeout=PATIENCE)
    with pytest.raises(InferenceError, match=r"KeyError: 'nothing' \(step.py, line 2\)") as failed:
        pipeline.infer([{"x": 1.0}])
    assert failed.value.status == 500
    pipeline.undeploy()


def test_what_can_not_be_deployed_says_why(client: Client, model: ModelVersion) -> None:
    pipeline = client.build_pipeline("refused").add_model_step(model)
    with pytest.raises(RequestRefused, match="replicas"):
        pipeline.deploy(replicas=65)
    with pytest.raises(DeploymentFailed, match="1 MiB; deploy it with more, such as memory="):
        pipeline.deploy(memory="1Mi", timeout=PATIENCE)
    pipeline.undeploy()


def test_a_redeploy_that_fails_says_what_goes_on_serving(
    client: Client, model: ModelVersion
) -> None:
    pipeline = client.build_pipeline("redeployed").add_model_step(model).deploy(timeout=PATIENCE)
    served = pipeline.versions()[0].id()
    answer = pipeline.infer([ROW])[0]["out.price"]

    with pytest.raises(DeploymentFailed, match=f"version {served} goes on serving"):
        pipeline.deploy(memory="1Mi", timeout=PATIENCE)

    assert pipeline.status()["status"] == "Error"
    assert [one["status"] for one in pipeline.status()["engines"]] == ["Running"]
    assert pipeline.infer([ROW])[0]["out.price"] == answer
    pipeline.deploy(timeout=PATIENCE)
    assert pipeline.status()["details"] == []
    pipeline.undeploy()


def test_the_log_has_what_was_inferred(pipeline: Pipeline, tmp_path: Path) -> None:
    began = datetime.now(UTC) - timedelta(seconds=1)
    answers = [pipeline.infer([{"tensor": [n, *HOUSE[1:]]}])[0] for n in range(3)]
    assert pipeline.logs() == answers[::-1]
    assert pipeline.logs(start_datetime=began) == answers
    assert pipeline.logs(limit=1, dataset=["out"]) == [{"out.price": answers[2]["out.price"]}]
    assert pipeline.logs(end_datetime=began) == []
    path = pipeline.export_logs(tmp_path / "exported")
    assert [json.loads(line) for line in path.read_text().splitlines()] == answers


def test_tags_are_put_on_and_taken_off(client: Client, model: ModelVersion) -> None:
    tag = client.create_tag("approved")
    assert tag.id() in [one.id() for one in client.list_tags()]
    tag.add_to_model(model.id())
    tag.remove_from_model(model.id())
    pipeline = client.build_pipeline("tagged")
    tag.add_to_pipeline(pipeline.id())
    tag.remove_from_pipeline(pipeline.id())


async def test_by_asyncio(async_client: AsyncClient) -> None:
    model = await async_client.upload_model("houseprice", MODEL)
    pipeline = (await async_client.build_pipeline("many")).add_model_step(model)
    await pipeline.deploy(replicas=1, timeout=PATIENCE)
    answers = await asyncio.gather(*(pipeline.infer([ROW]) for _ in range(10)))
    assert len({answer[0]["out.price"][0] for answer in answers}) == 1
    assert len(await pipeline.logs()) == 10
    await pipeline.undeploy()
