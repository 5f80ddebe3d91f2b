"""Tasks that run once: from the order to their logs, their lists and their end."""

from tests.sdk_acceptance.scripts.common import client, kill, ready, refusal, until

wl = client()
workspace = wl.get_current_workspace()
orchestration = ready(wl)
task = orchestration.run_once(name="first", json_args={"greeting": "hello"}, timeout=120)
until(lambda: task.status() == "started", "it has started")
until(lambda: task.last_runs(status="success"), "its run has ended")
(run,) = task.last_runs()
assert (task.name(), task.input_data()) == ("first", {"greeting": "hello"})
assert task.workspace_id() == workspace.id()
assert task.status() == "started"
assert run._status == "success"
assert len(task.last_runs(limit=1, status="all")) == 1
assert task.last_runs(status="failure") == []
logs = run.logs()
assert len(logs) == 6, logs
assert logs[0].split(" ", 3)[3].startswith("arguments"), logs
assert run.logs(limit=2) == logs[-2:]
assert logs[-1].endswith("stdout F line 4")
shown = (task, run, task.last_runs(), logs, wl.list_tasks(), orchestration.list_tasks())
for one in shown:
    assert one._repr_html_(), one
assert "Temporary Run" in task._repr_html_()
assert "line 4" in logs._repr_html_()

assert str(wl.get_task_by_id(str(task.id())).id()) == str(task.id())
assert [str(one.id()) for one in orchestration.list_tasks()] == [str(task.id())]
for listed in (
    wl.list_tasks(workspace_id=workspace.id()),
    wl.list_tasks(workspace_name=workspace.name()),
):
    assert [str(one.id()) for one in listed] == [str(task.id())]
assert "Error" in refusal(lambda: wl.list_tasks(workspace_id="1"))
assert "Failed to find Task ID" in refusal(
    lambda: wl.get_task_by_id("00000000-0000-4000-8000-000000000000")
)

failing = ready(wl, "raise SystemExit(3)", "failing")
broken = failing.run_once(name="second")
until(lambda: broken.last_runs(status="failure"), "it has failed")
assert "Orchestration deploy failed" in refusal(lambda: orchestration.run_once("x", timeout=0))

kill(task)
(killed,) = wl.list_tasks(killed=True, workspace_id=workspace.id())
assert str(killed.id()) == str(task.id())
(left,) = wl.list_tasks(workspace_id=workspace.id())
assert str(left.id()) == str(broken.id())
print("done")
