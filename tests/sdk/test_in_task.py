"""A script of the MLOps API, run as a task with this SDK: it is its owner, in its workspace."""

from pathlib import Path

from rondo import Client

from tests.platform import PATIENCE, archive
from tests.sdk import SDK

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
