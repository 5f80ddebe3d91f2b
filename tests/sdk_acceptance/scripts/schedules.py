"""Tasks on a schedule: their runs, pausing, resuming, killing."""

from tests.sdk_acceptance.scripts.common import client, kill, ready, refusal, until

wl = client()
orchestration = ready(wl)
task = orchestration.run_scheduled(
    name="scheduled", schedule="* * * * * *", timeout=120, json_args={"a": 1}
)
until(lambda: task.status() == "started", "the schedule is taken up")
until(lambda: len(task.last_runs(status="success")) >= 2, "two runs have ended")
newest, *_, oldest = task.last_runs()
assert newest._updated_at >= oldest._updated_at
assert "Scheduled Run" in task._repr_html_()
assert "* * * * * *" in wl.list_tasks(workspace_id=task.workspace_id())._repr_html_()
assert task._pause().status() == "paused"
assert task._resume().status() == "started"
minutely = orchestration.run_scheduled(name="tutorial", schedule="*/1, *, *, *, *", timeout=120)
until(lambda: minutely.status() == "started", "the schedule is taken up")
assert minutely.last_runs() == []
assert "schedule" in refusal(lambda: orchestration.run_scheduled("x", schedule="now and then"))
for one in (task, minutely):
    kill(one)
print("done")
