"""How a run starts: from a warm interpreter or in a new one; and what came when."""

from tests.platform import Api

SCRIPT = {"main.py": b"print('up')\n"}


async def test_a_task_may_ask_for_new_interpreters(client: Api) -> None:
    orchestration = await client.ready(SCRIPT)
    task = await client.run(orchestration, mode="exec")
    (run,) = await client.ended(task)
    details = await client.details(task, run["run_id"])
    assert (details["status"], details["new_interpreter"]) == ("success", "its mode is exec")


async def test_a_forked_run_says_what_came_when(client: Api) -> None:
    orchestration = await client.ready(SCRIPT)
    new = "not yet"
    while new:  # until there is a template
        task = await client.run(orchestration)
        (run,) = await client.ended(task)
        details = await client.details(task, run["run_id"])
        new = details["new_interpreter"]
    timing = details["timing"]
    moments = [timing[name] for name in ("forked", "first_line", "exited", "logged")]
    assert moments[0] > 0
    assert moments == sorted(moments)
