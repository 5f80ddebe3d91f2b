"""Every documented call of the blocking client."""

import hashlib
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import pytest
from rondo import Client, Orchestration, TaskStatus
from rondo.errors import (
    Conflict,
    EntityNotFoundError,
    OrchestrationDeployOneshotFailed,
    OrchestrationMissingFile,
    OrchestrationPackagingFailed,
    OrchestrationUploadFailed,
    TaskEnded,
)

from tests.platform import PATIENCE, archive
from tests.sdk.conftest import FAILS, SAYS, WAITS

Ready = Callable[[str], Orchestration]


def test_workspaces(client: Client) -> None:
    current = client.get_current_workspace()
    assert current.id() in [one.id() for one in client.list_workspaces()]
    assert client.get_workspace(current.name()).id() == current.id()
    assert current.archived() is False
    assert current.created_by() == client.auth.user_id()
    other = client.get_workspace(current.name() + "_2", create_if_not_exist=True)
    assert client.get_workspace(other.name(), create_if_not_exist=True).id() == other.id()
    assert client.set_current_workspace(other) is client.get_current_workspace()
    with pytest.raises(EntityNotFoundError, match="name: there is no workspace"):
        client.get_workspace("never made")
    with pytest.raises(Conflict) as refused:
        client.create_workspace(current.name())
    assert (refused.value.code, refused.value.status) == ("conflict", 409)
    with pytest.raises(TypeError, match="workspace"):
        client.set_current_workspace("by name")  # type: ignore[arg-type]


def test_members(client: Client) -> None:
    workspace = client.get_current_workspace()
    (me,) = workspace.users()
    assert (me.id(), me.email()) == (client.auth.user_id(), client.auth.user_email())
    assert me.user_type() == "owner"
    assert workspace.add_owner(me.email()) is workspace
    for change in (workspace.add_user, workspace.add_owner):
        with pytest.raises(EntityNotFoundError):
            change("nobody@nowhere.example")


def test_without_a_choice_the_current_workspace_is_the_users_own(environment: object) -> None:
    first, second = Client().get_current_workspace(), Client().get_current_workspace()
    assert first.id() == second.id()
    assert first.name() == f"{Client().auth.user_email()} - Default Workspace"


def test_upload_by_path(client: Client, zipped: Path) -> None:
    found = client.upload_orchestration(path=zipped, name="by path")
    assert (found.name(), found.file_name()) == ("by path", "said.zip")
    assert found.sha() == hashlib.sha256(zipped.read_bytes()).hexdigest()
    assert found.workspace_id() == client.get_current_workspace().id()
    assert found.workspace_name() == client.get_current_workspace().name()
    assert found.created_at() <= found.updated_at()
    assert found.wait(PATIENCE).status() == "ready"
    assert found.reason() == ""


def test_upload_by_bytes(client: Client) -> None:
    data = archive({"main.py": SAYS})
    named = client.upload_orchestration(bytes_buffer=data, file_name="it.zip", name="by bytes")
    assert (named.name(), named.file_name()) == ("by bytes", "it.zip")
    bare = client.upload_orchestration(bytes_buffer=data)
    assert (bare.name(), bare.file_name()) == (None, "_")
    assert named.sha() == bare.sha()
    assert named.id() != bare.id()


def test_a_folder_is_zipped_the_same_each_time(client: Client, tmp_path: Path) -> None:
    folder = tmp_path / "job"
    (folder / "data").mkdir(parents=True)
    (folder / "main.py").write_text("print(open('data/it.txt').read())")
    (folder / "data" / "it.txt").write_text("from the folder")
    (folder / ".gitignore").write_text("*.bin\n")
    (folder / "large.bin").write_bytes(bytes(1 << 20))
    first = client.upload_orchestration(path=folder)
    (folder / "large.bin").unlink()
    assert client.upload_orchestration(path=folder).sha() == first.sha()
    assert first.file_name() == "job.zip"
    run = first.wait(PATIENCE).run_once("folder", {}).wait(PATIENCE)
    assert run.logs().texts() == ["from the folder"]


def test_uploads_that_are_refused(client: Client, tmp_path: Path) -> None:
    with pytest.raises(OrchestrationMissingFile):
        client.upload_orchestration(name="nothing")
    with pytest.raises(ValueError, match="not both"):
        client.upload_orchestration(bytes_buffer=b"", path="x.zip")
    with pytest.raises(FileNotFoundError):
        client.upload_orchestration(path=tmp_path / "missing.zip")
    with pytest.raises(OrchestrationUploadFailed, match="ZIP") as refused:
        client.upload_orchestration(bytes_buffer=b"no archive")
    assert (refused.value.code, refused.value.status) == ("invalid", 400)


def test_a_large_refused_upload_tells_why(client: Client) -> None:
    """The answer comes while the upload is still on its way."""
    with pytest.raises(OrchestrationUploadFailed):
        client.upload_orchestration(bytes_buffer=bytes(30_000_000))


def test_packaging_that_fails(client: Client) -> None:
    data = archive({"main.py": SAYS, "requirements.txt": "no-such-package-of-anybody==1.2.3"})
    orchestration = client.upload_orchestration(data)
    with pytest.raises(OrchestrationPackagingFailed) as failed:
        orchestration.wait(PATIENCE)
    assert orchestration.status() == "error"
    assert failed.value.message == orchestration.reason() != ""


def test_listing_orchestrations(client: Client, zipped: Path) -> None:
    mine = [client.upload_orchestration(path=zipped).id() for _ in range(2)]
    here = client.get_current_workspace()
    other = client.create_workspace(here.name() + "-empty")
    assert [one.id() for one in client.list_orchestrations(workspace_id=here.id())] == mine
    assert [one.id() for one in client.list_orchestrations(workspace_name=here.name())] == mine
    assert client.list_orchestrations(workspace_id=other.id()) == []
    assert set(mine) <= {one.id() for one in client.list_orchestrations()}
    assert client.get_orchestration(mine[0]).workspace_name() == here.name()


@pytest.mark.parametrize("listing", ["list_orchestrations", "list_tasks"])
def test_wrong_types_of_filters(client: Client, listing: str) -> None:
    call = getattr(client, listing)
    for wrong in ("1", 1.0, True):
        with pytest.raises(TypeError, match="Workspace ID must be an integer"):
            call(workspace_id=wrong)
    with pytest.raises(TypeError, match="Workspace name must be a string"):
        call(workspace_name=7)
    with pytest.raises(EntityNotFoundError):
        call(workspace_name="never made")
    with pytest.raises(ValueError, match="is number"):
        call(workspace_id=10**6, workspace_name=client.get_current_workspace().name())


def test_run_once(client: Client, ready: Ready) -> None:
    orchestration = ready(SAYS)
    task = orchestration.run_once(name="once", json_args={"a": [1, None]}, timeout=60)
    assert (task.name(), task.input_data()) == ("once", {"a": [1, None]})
    assert (task.task_type(), task.schedule()) == ("Temporary Run", None)
    run = task.wait(PATIENCE)
    assert (run.status(), run.task_id()) == ("success", task.id())
    assert task.status() == "started"
    assert task.last_run_status() == "success"
    logs = run.logs()
    assert logs.complete
    assert sorted(logs.texts()) == [
        "a line on the other stream",
        "given {'a': [1, None]}",
        "the last line <&>",
    ]
    assert run.logs(limit=1) == logs[-1:]
    assert list(run.follow(stamps=True)) == logs
    assert run.details()["exit_code"] == 0
    assert run.wait(1) is run


def test_runs_by_status_and_limit(client: Client, ready: Ready) -> None:
    task = ready(FAILS).run_once("fails", {}, attempts=3, backoff=0)
    assert task.wait(PATIENCE).status() == "failure"
    runs = task.last_runs()
    assert len(runs) == 3
    assert runs == sorted(runs, key=lambda run: run.updated_at(), reverse=True)
    assert [UUID(run.id()) for run in task.last_runs(limit=1)] == [UUID(runs[0].id())]
    assert len(task.last_runs(status="failure")) == 3
    assert task.last_runs(status="success") == []
    assert len(task.last_runs(status="all", limit=2)) == 2


def test_killing(client: Client, ready: Ready) -> None:
    task = ready(WAITS).run_continuously("forever", {})
    assert task.task_type() == "Continuous Run"
    run = task.newest_run(PATIENCE)
    assert next(iter(run.follow())) == "begun"
    assert run.status() == "running"
    with pytest.raises(TimeoutError):
        run.wait(0.2)
    killing = task.kill(keep_logs=True)
    assert isinstance(killing, TaskStatus)
    assert killing in ("pending_kill", "killed")
    assert run.wait(PATIENCE).status() == "killed"
    assert task.kill() in ("pending_kill", "killed")
    assert run.logs().texts() == ["begun"]
    here = client.get_current_workspace().id()
    listed = client.list_tasks(killed=True, workspace_id=here)
    assert task.id() in [one.id() for one in listed]
    assert client.list_tasks(workspace_id=here) == []


def test_schedules(client: Client, ready: Ready) -> None:
    orchestration = ready(SAYS)
    task = orchestration.run_scheduled("tick", "* * * * * *", {}, timeout=60, zone="Europe/Berlin")
    assert (task.task_type(), task.schedule()) == ("Scheduled Run", "* * * * * *")
    first, *others = task.upcoming()
    assert others == [first + timedelta(seconds=later) for later in range(1, 5)]
    assert first.utcoffset() in (timedelta(hours=1), timedelta(hours=2))
    assert client.get_task_by_id(task.id()).upcoming() == []
    assert task.wait(PATIENCE).status() == "success"
    assert task.pause() in ("pending_pause", "paused")
    assert task.resume() in ("pending_resume", "started")
    assert [one.id() for one in orchestration.list_tasks()] == [task.id()]
    assert client.get_task_by_id(task.id()).name() == "tick"
    task.kill()


def test_a_task_that_never_runs(client: Client, ready: Ready) -> None:
    task = ready(SAYS).run_scheduled("far", "0 0 1 1 *", {})
    with pytest.raises(TimeoutError, match="not within 0"):
        task.wait(0.2)
    task.kill()
    with pytest.raises(TaskEnded, match="killed"):
        task.wait(PATIENCE)


def test_orders_that_are_refused(ready: Ready) -> None:
    orchestration = ready(SAYS)
    with pytest.raises(OrchestrationDeployOneshotFailed, match="schedule: 'nonsense'"):
        orchestration.run_scheduled("x", "nonsense")
    with pytest.raises(OrchestrationDeployOneshotFailed, match="timeout: ") as refused:
        orchestration.run_once("x", {}, timeout=0)
    assert (refused.value.code, refused.value.status) == ("invalid", 400)


def test_what_is_not_there(client: Client) -> None:
    nobody = "00000000-0000-4000-8000-000000000000"
    with pytest.raises(EntityNotFoundError) as missing:
        client.get_task_by_id(nobody)
    assert (missing.value.code, missing.value.status) == ("not_found", 404)
    with pytest.raises(EntityNotFoundError):
        client.get_orchestration(nobody)
