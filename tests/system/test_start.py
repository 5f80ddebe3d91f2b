"""How a run starts: from a warm interpreter or in a new one; and what came when."""

from tests.platform import Api

STEERS = {"main.py": b"import os\nos.environ['A'] = 'b'\nimport json\nprint('up')\n"}
SCRIPT = {"main.py": b"print('up')\n"}


async def test_a_task_may_ask_for_new_interpreters(client: Api) -> None:
    orchestration = await client.ready(SCRIPT)
    task = await client.run(orchestration, mode="exec")
    (run,) = await client.ended(task)
    details = await client.details(task, run["run_id"])
    assert (details["status"], details["new_interpreter"]) == ("success", "its mode is exec")


async def test_a_forked_run_says_why_it_imports_by_itself(client: Api) -> None:
    orchestration = await client.ready(STEERS)
    details = {"new_interpreter": "not yet"}
    while details["new_interpreter"]:
        task = await client.run(orchestration)
        (run,) = await client.ended(task)
        details = await client.details(task, run["run_id"])
    assert details["own_imports"] == "main.py, line 2, may change what the imports after it do"


async def test_a_forked_run_says_what_came_when(client: Api) -> None:
    orchestration = await client.ready(SCRIPT)
    new = "not yet"
    while new:  # until there is a zygote
        task = await client.run(orchestration)
        (run,) = await client.ended(task)
        details = await client.details(task, run["run_id"])
        new = details["new_interpreter"]
    timing = details["timing"]
    moments = [timing[name] for name in ("forked", "first_line", "exited", "logged")]
    assert moments[0] > 0
    assert moments == sorted(moments)
