"""A `rondo up` of our own, for as long as it is measured, and what one does to it."""

import asyncio
import json
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import aiohttp

from examples.demo import call, packaged, platform, sign_in, upload_files
from libs.domain.events import Event
from libs.eventlog import nats_client
from libs.eventlog.envelope import Recorded
from libs.eventlog.log import EventLog

PATIENCE = 300


@dataclass(frozen=True)
class Live:
    """`session` is signed in, `log` is the platform's; `pid` is `rondo up`'s own."""

    data: Path
    pid: int
    session: aiohttp.ClientSession
    nats: nats_client.Nats
    log: EventLog
    workspace: int

    async def orchestration(self, name: str, main: str) -> str:
        """One that is ready to run."""
        id = await upload_files(self.session, self.workspace, name, {"main.py": main})
        await packaged(self.session, id)
        return id

    async def run_once(self, orchestration: str) -> UUID:
        body = {"orch_id": orchestration, "workspace_id": self.workspace, "json": {}}
        return UUID((await call(self.session, "task/run_once", body))["id"])

    async def event(self, kind: type[Event], after: int, count: int = 1) -> Recorded:
        """The last of the first `count` such events after a place in the log, when it is there."""
        async with asyncio.timeout(PATIENCE):
            async for batch in self.log.follow(after):
                for fact in batch:
                    count -= isinstance(fact.event, kind)
                    if count == 0:
                        return fact
        raise AssertionError("the log ended")

    async def printed(self, run: str) -> float:
        """The number of nanoseconds that the run's first line holds, in seconds.

        Waits until the API has all of its lines.
        """
        async with asyncio.timeout(PATIENCE):
            while not (logs := await self.logs(run))["complete"]:
                pass
        return int(str(logs["logs"][0]).split(" F ", 1)[1]) / 1e9

    async def logs(self, run: str, **more: object) -> dict[str, Any]:
        """What the API says of its log, once it shows the run: the event log is ahead of it."""
        body = {"id": run, **more}
        async with asyncio.timeout(PATIENCE):
            while True:
                async with self.session.post("/v1/api/task/get_logs_for_run", json=body) as answer:
                    logs: dict[str, Any] = await answer.json()
                    if answer.ok:
                        return logs


@asynccontextmanager
async def live() -> AsyncIterator[Live]:
    """Not below /tmp, which runs have a private one of."""
    with tempfile.TemporaryDirectory(prefix="rondo-bench-", dir="/var/tmp") as folder:
        data = Path(folder) / "data"
        async with (
            platform(data, 0) as (process, ready),
            _nats(data) as nats,
            aiohttp.ClientSession(ready["url"]) as session,
        ):
            await sign_in(session, ready["user"], ready["password"])
            made = await call(session, "workspaces/create", {"workspace_name": "bench"})
            workspace = int(made["workspace_id"])
            yield Live(data, process.pid, session, nats, EventLog(nats), workspace)


@asynccontextmanager
async def _nats(data: Path) -> AsyncIterator[nats_client.Nats]:
    token = (data / "secrets" / "nats-token").read_text().strip()
    port = json.loads((data / "ports.json").read_bytes())["nats"]
    async with nats_client.connect(f"nats://127.0.0.1:{port}", token) as nats:
        yield nats
