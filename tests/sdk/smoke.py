"""The road of a run with nothing but the SDK and a Python, which runs this: every module, both
clients, the command line. The folder is what it uploads."""

import asyncio
import contextlib
import importlib
import io
import pkgutil
import sys
from uuid import uuid4

import rondo
import wallaroo
from rondo.cli import main

for package in (rondo, wallaroo):
    for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)

client = wallaroo.Client()
workspace = client.set_current_workspace(client.create_workspace(f"smoke-{uuid4().hex}"))
orchestration = client.upload_orchestration(path=".", name="smoke").wait(90)
run = orchestration.run_once("blocking", {"n": 1}).wait(90)
assert list(run.follow()) == ["hello"]
events = list(client.events(workspace, follow=False))
assert events[-1].type() == "RunFinished"


async def by_asyncio() -> None:
    coroutines = rondo.AsyncClient()
    (same,) = await coroutines.list_orchestrations(workspace.id())
    ended = await (await same.run_once("asyncio")).wait(90)
    assert [line async for line in ended.follow()] == ["hello"]
    followed = coroutines.events(workspace.id(), ["RunFinished"], after=events[-1].sequence())
    async for event in followed:
        assert event.subject() == f"run/{ended.id()}"
        break
    await followed.aclose()


asyncio.run(by_asyncio())
printed = io.StringIO()
with contextlib.redirect_stdout(printed):
    assert main(["run", "smoke", "-w", workspace.name(), "--follow"]) == 0
    assert main(["events", "-w", workspace.name(), "--json"]) == 0
assert printed.getvalue().startswith("hello\n")
sys.stdout.write("done\n")
