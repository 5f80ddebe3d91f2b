"""Starts the platform, uploads examples/hello, runs it, shows its log: what `make demo` does.

It talks to the API as any program would, so it is an example of that too.
"""

import argparse
import asyncio
import io
import json
import signal
import sys
import zipfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp

HELLO = Path(__file__).parent / "hello"
SIGN_IN = "/auth/realms/master/protocol/openid-connect/token"
PATIENCE = 600  # s: the first environment downloads its packages


async def main(data: Path, port: int, keep_serving: bool) -> int:
    async with platform(data, port) as (process, ready):
        async with aiohttp.ClientSession(ready["url"]) as session:
            await sign_in(session, ready["user"], ready["password"])
            await show_hello(session)
        if keep_serving:
            print(f"\n  {ready['url']}  user {ready['user']}  password {ready['password']}")
            print("  Ctrl-C stops everything\n", flush=True)
            await process.wait()
    return 0


@asynccontextmanager
async def platform(
    data: Path, port: int
) -> AsyncIterator[tuple[asyncio.subprocess.Process, dict[str, str]]]:
    """`rondo up` for as long as the block lasts, and what it says when it is ready.

    SIGTERM cancels the block, so that nothing is left running.
    """
    loop, block = asyncio.get_running_loop(), asyncio.current_task()
    loop.add_signal_handler(signal.SIGTERM, lambda: block and block.cancel())
    ready_file = data.with_name(data.name + ".ready")
    ready_file.unlink(missing_ok=True)
    rondo = Path(sys.executable).with_name("rondo")
    command = ["up", "--data", str(data), "--port", str(port), "--ready-file", str(ready_file)]
    process = await asyncio.create_subprocess_exec(rondo, *command)
    try:
        while not ready_file.exists():
            if process.returncode is not None:
                sys.exit(f"rondo up ended with code {process.returncode}")
            await asyncio.sleep(0.02)
        yield process, json.loads(ready_file.read_text())
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGTERM)
            await process.wait()


async def sign_in(session: aiohttp.ClientSession, user: str, password: str) -> None:
    form = {
        "grant_type": "password",
        "client_id": "sdk-client",
        "username": user,
        "password": password,
    }
    async with session.post(SIGN_IN, data=form) as answer:
        answer.raise_for_status()
        token = (await answer.json())["access_token"]
    session.headers["Authorization"] = f"Bearer {token}"


async def call(session: aiohttp.ClientSession, path: str, body: object) -> Any:
    async with session.post(f"/v1/api/{path}", json=body) as answer:
        found = await answer.json()
        if answer.status >= 400:
            sys.exit(f"{path}: {found['msg']}")
        return found


async def show_hello(session: aiohttp.ClientSession) -> None:
    workspace = await demo_workspace(session)
    orchestration = await upload(session, workspace)
    print(f"uploaded orchestration {orchestration}, packaging it ...", flush=True)
    await packaged(session, orchestration)
    body = {
        "orch_id": orchestration,
        "workspace_id": workspace,
        "name": "hello",
        "json": {"name": "Ada"},
    }
    task = (await call(session, "task/run_once", body))["id"]
    run = await ended_run(session, task)
    print(f"run {run['run_id']} of task {task}: {run['status']}")
    logs = await call(session, "task/get_logs_for_run", {"id": run["run_id"]})
    for line in logs["logs"]:
        print("  " + line, flush=True)
    if run["status"] != "success":
        sys.exit("the example failed")


async def demo_workspace(session: aiohttp.ClientSession) -> int:
    for workspace in (await call(session, "workspaces/list", {}))["workspaces"]:
        if workspace["name"] == "demo":
            return int(workspace["id"])
    created = await call(session, "workspaces/create", {"workspace_name": "demo"})
    return int(created["workspace_id"])


async def upload(session: aiohttp.ClientSession, workspace: int) -> str:
    files = {path.name: path.read_text() for path in sorted(HELLO.iterdir()) if path.is_file()}
    return await upload_files(session, workspace, "hello", files)


async def upload_files(
    session: aiohttp.ClientSession, workspace: int, name: str, files: dict[str, str]
) -> str:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as opened:
        for path, text in files.items():
            opened.writestr(path, text)
    form = aiohttp.FormData()
    form.add_field("file", archive.getvalue(), filename=f"{name}.zip")
    metadata = json.dumps({"workspace_id": workspace, "name": name})
    form.add_field("metadata", metadata, content_type="application/json")
    async with session.post("/v1/api/orchestration/upload", data=form) as answer:
        found = await answer.json()
        if answer.status != 202:
            sys.exit(f"upload: {found['msg']}")
        return str(found["id"])


async def packaged(session: aiohttp.ClientSession, orchestration: str) -> None:
    async with asyncio.timeout(PATIENCE):
        while True:
            found = await call(session, "orchestration/get_by_id", {"id": orchestration})
            if found["status"] == "ready":
                return
            if found["status"] == "error":
                sys.exit(f"packaging failed: {found.get('reason')}")
            await asyncio.sleep(0.05)


async def ended_run(session: aiohttp.ClientSession, task: str) -> dict[str, Any]:
    async with asyncio.timeout(60):
        while True:
            runs = await call(session, "task/list_task_runs", {"task_id": task})
            if runs and runs[0]["status"] != "running":
                return dict(runs[0])
            await asyncio.sleep(0.02)


if __name__ == "__main__":
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--data", type=Path, default=Path(".rondo-demo"))
    options.add_argument("--port", type=int, default=0)
    options.add_argument("--keep-serving", action="store_true")
    given = options.parse_args()
    try:
        sys.exit(asyncio.run(main(given.data, given.port, given.keep_serving)))
    except (KeyboardInterrupt, asyncio.CancelledError):
        sys.exit(0)
