"""A script of the MLOps API, run as a task with this SDK: it is its owner, in its workspace."""

from pathlib import Path

from rondo import Client

from tests.platform import PATIENCE, archive
from tests.sdk import SDK

MODEL = Path(__file__).parents[2] / "examples" / "houseprice" / "houseprice.onnx"
MAIN = """\
import wallaroo

wl = wallaroo.Client()
if wl.in_task():
    arguments = wl.task_args()
    name = arguments["workspace_name"]
else:
    name = "not in a task"
workspace = wl.get_current_workspace()
assert workspace.name() == name, workspace
print([one.name() for one in wl.list_workspaces()])
print([task.name() for task in wl.list_tasks(workspace_id=workspace.id())])
print(open("data/words.txt").read())
print(wl.auth.user_email())
"""

INFERS = """\
import json
import wallaroo
from wallaroo.framework import Framework
from wallaroo.object import EntityNotFoundError

wl = wallaroo.Client()
arguments = wl.task_args()
wl.set_current_workspace(wl.get_workspace(arguments["workspace_name"], create_if_not_exist=True))
model = wl.upload_model("house-model", "./models/rf_model.onnx", framework=Framework.ONNX)
model = model.configure(tensor_fields=["tensor"])
try:
    pipeline = wl.pipelines_by_name(arguments["pipeline_name"])[0]
except EntityNotFoundError:
    pipeline = wl.build_pipeline(arguments["pipeline_name"])
pipeline.clear()
pipeline.add_model_step(wl.get_model("house-model"))
config = wallaroo.deployment_config.DeploymentConfigBuilder().replica_count(1).cpus(0.5)
pipeline.deploy(deployment_config=config.memory("512Mi").build())
house = {"tensor": [3, 2, 1800, 7500, 1.5, 4, 8, 30]}
(one,) = pipeline.infer([house])
with open("rows.json", "w") as file:
    json.dump([house], file)
(same,) = wl.get_pipeline(arguments["pipeline_name"]).infer_from_file("./rows.json")
assert same["out.price"] == one["out.price"]
assert pipeline.status()["status"] == "Running"
print(len(pipeline.logs()))
pipeline.undeploy()
"""


def _sources() -> dict[str, bytes]:
    """The SDK as part of the archive: this base environment is empty."""
    folders = [SDK / "rondo", SDK / "alias" / "wallaroo"]
    files = (path for folder in folders for path in folder.rglob("*.py"))
    return {_inside(path): path.read_bytes() for path in files}


def _inside(path: Path) -> str:
    top = SDK / "alias" if "alias" in path.parts else SDK
    return path.relative_to(top).as_posix()


def test_a_script_that_logs_in_by_itself(client: Client) -> None:
    files: dict[str, str | bytes] = {"main.py": MAIN, "data/words.txt": "relative", **_sources()}
    orchestration = client.upload_orchestration(archive(files), file_name="it.zip").wait(PATIENCE)
    workspace = client.get_current_workspace().name()
    task = orchestration.run_once("inside", {"workspace_name": workspace})
    run = task.wait(PATIENCE)
    texts = run.logs().texts()
    assert run.status() == "success", texts
    assert texts == [f"['{workspace}']", "['inside']", "relative", client.auth.user_email()]


def test_a_script_that_deploys_and_infers(client: Client) -> None:
    files: dict[str, str | bytes] = {"main.py": INFERS, **_sources()}
    files["models/rf_model.onnx"] = MODEL.read_bytes()
    orchestration = client.upload_orchestration(archive(files), file_name="it.zip").wait(PATIENCE)
    workspace = client.get_current_workspace()
    arguments = {"workspace_name": workspace.name(), "pipeline_name": "house-pipeline"}
    task = orchestration.run_once("inside", arguments)
    run = task.wait(PATIENCE)
    assert (run.logs().texts(), run.status()) == (["2"], "success")
    pipeline = client.get_pipeline("house-pipeline")
    assert "not deployed" in pipeline.status()["status"]
    assert len(pipeline.logs()) == 2
