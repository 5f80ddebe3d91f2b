"""Tasks that begin again when they end."""

from tests.sdk_acceptance.scripts.common import client, kill, ready, until

wl = client()
orchestration = ready(wl, "print('again')")
task = orchestration.run_continuously(name="again", json_args={"a": 1})
until(lambda: task.status() == "started", "it has started")
until(lambda: len(task.last_runs(status="success")) >= 3, "it has run three times")
assert "Continuous Run" in task._repr_html_()
assert task.last_runs(status="success")[0].logs()[0].endswith("again")
kill(task)
print("done")
