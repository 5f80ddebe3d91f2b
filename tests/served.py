"""A pipeline of the platform over the raw API: deployed, asked by callers that put up with what the
published SDK puts up with, and its log read."""

import asyncio
import itertools
import random
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp

from tests.platform import PATIENCE, Api, Refused, answered, until

_PAGE = 10_000  # records
# Of one call of the published SDK: how often it is sent, how long each time, and the pause before
# the next, which is drawn from 0 to one that doubles.
_TRIES, _TIMEOUT_SECONDS, _PAUSE_SECONDS = 11, 15.0, 0.2
# What a caller sees of a service that has just been killed, or stands still.
AWAY = (
    *(aiohttp.ClientConnectionError, aiohttp.ClientPayloadError),
    *(TimeoutError, asyncio.TimeoutError),
)
NOT_NOW = (503, 507, 429)


class Served:
    """The pipeline of that name in the workspace of `client`; its models are to take three
    numbers and to answer the first of them plus 0.1."""

    def __init__(self, client: Api, name: str) -> None:
        self.client, self.name = client, name
        self.there = False  # whether it certainly is deployed
        self.times_gone = 0
        self._version = self._deployment = 0

    async def update(self, model: Path) -> None:
        """Uploads a model, and makes it the one step of a new version."""
        uploaded = await self._uploaded(model)
        order = {"model_version_id": uploaded}

        async def probed() -> Any:
            found = await self.client.post("models/get_version_by_id", order)
            state = found["model_version"]["model_version"]
            assert state["status"] != "error", state
            return state if state["status"] == "ready" else None

        state = await until(probed, "a model to be probed")
        file = state["file_info"]
        reference = {"name": state["name"], "version": file["version"], "sha": file["sha"]}
        definition = {"steps": [{"ModelInference": {"models": [reference]}}]}
        body = {"pipeline_id": self.name, "workspace_id": self.client.workspace}
        made = await self.client.post("pipelines/create", {**body, "definition": definition})
        self._version = made["pipeline_variant_pk_id"]

    async def _uploaded(self, model: Path) -> int:
        query = {"name": "m", "filename": model.name, "workspace_id": str(self.client.workspace)}
        path, data = "/v1/api/models/upload_stream", model.read_bytes()
        async with self.client.session.post(path, params=query, data=data) as answer:
            uploaded = (await answered(answer))["insert_models"]["returning"][0]["models"]
        return int(uploaded[0]["id"])

    async def deploy(self, **engine: object) -> None:
        """The newest version, in place of what is deployed."""
        order = {
            "deploy_id": self.name,
            "pipeline_version_pk_id": self._version,
            "engine_config": {"engine": engine},
        }
        self._deployment = (await self.client.post("pipelines/deploy", order))["id"]

    async def undeploy(self) -> None:
        self.there = False
        self.times_gone += 1
        await self.client.post("pipelines/undeploy", {"deployment_id": self._deployment})

    async def running(self) -> None:
        """Returns once it is."""
        order = {"name": f"{self.name}-{self._deployment}"}

        async def runs() -> bool:
            state = await self.client.post("status/get_deployment", order)
            assert state["status"] != "Error", state
            return bool(state["status"] == "Running")

        await until(runs, f"pipeline {self.name} to run")
        self.there = True

    async def ended(self) -> None:
        """Returns once the log says that none of its replicas is left."""
        path = f"/v1/api/history/deployment/{self._deployment}"

        async def none() -> bool:
            async with self.client.session.get(path) as found:
                state = (await answered(found))["state"]
            return bool(state["status"] == "undeployed" and not state["replicas"])

        await until(none, f"the replicas of {self.name} to end")

    async def infer(self, number: float, timeout: float = PATIENCE) -> None:
        """Asks for it. Refused, or aiohttp's own errors when there is no answer."""
        rows, most = [{"tensor": [number, 0.0, 0.0]}], aiohttp.ClientTimeout(total=timeout)
        async with self.client.session.post(self.path, json=rows, timeout=most) as answer:
            [row] = await answered(answer)
        assert row["in"] == {"tensor": [number, 0.0, 0.0]}, row
        assert round(row["out"]["variable"][0] - 0.1, 1) == number, row

    @property
    def path(self) -> str:
        """Where it answers."""
        return f"/v1/api/pipelines/infer/{self.name}-{self._deployment}/{self.name}"

    async def logged(self) -> Counter[float]:
        """How often each number is in the log of the pipeline."""
        found: Counter[float] = Counter()
        order = {"pipeline_name": self.name, "workspace_id": self.client.workspace}
        order |= {"page_size": _PAGE}
        status = ""
        while status != "All":
            async with self.client.session.post("/v1/api/pipelines/get_logs", json=order) as page:
                records = await answered(page)
                status = page.headers["x-iteration-status"]
                order["cursor"] = page.headers.get("x-iteration-cursor")
            found.update(record["in"]["tensor"][0] for record in records)
        return found


class Callers:
    """They ask for one number after another, each once, as patient as the published SDK.

    `answered` has what was answered, `refused` what was not even begun; `retries` is how often they
    had to try again. With `may_be_full` it may be that the disk is.
    """

    def __init__(self, served: Served, dice: random.Random, may_be_full: bool = False) -> None:
        self.answered: set[float] = set()
        self.refused: set[float] = set()
        self.retries = 0
        self._served, self._dice, self._may_be_full = served, dice, may_be_full
        self._numbers = itertools.count(1)

    @asynccontextmanager
    async def asking(self, count: int = 4) -> AsyncIterator[None]:
        """So many at once, while the block lasts; none of their calls may fail for good."""
        over = asyncio.Event()
        async with asyncio.TaskGroup() as tasks:
            for _ in range(count):
                tasks.create_task(self._ask(over))
            try:
                yield
            finally:
                over.set()

    async def more(self, count: int) -> None:
        """Waits for so many more answers."""
        wanted = len(self.answered) + count

        async def enough() -> bool:
            return len(self.answered) >= wanted

        await until(enough, f"{count} answers")

    async def call(self) -> None:
        """As one of the SDK. It may be told that nothing is deployed, if so, or the disk full."""
        served = self._served
        there, times_gone = served.there, served.times_gone
        for tries in range(_TRIES):
            number = float(next(self._numbers))
            try:
                await served.infer(number, _TIMEOUT_SECONDS)
            except AWAY:
                pass
            except Refused as refused:
                if refused.status != 503:
                    self.refused.add(number)
                    if refused.status == 507 and self._may_be_full:
                        return
                    gone = not there or not served.there or served.times_gone > times_gone
                    if refused.status == 404 and gone:
                        return
                    raise
            else:
                self.answered.add(number)
                return
            self.retries += 1
            await asyncio.sleep(self._dice.uniform(0, _PAUSE_SECONDS * 2**tries))
        raise AssertionError(f"a call failed for good; {number} was its last try")

    async def _ask(self, over: asyncio.Event) -> None:
        while not over.is_set():
            await self.call()
            await asyncio.sleep(self._dice.uniform(0, 0.05))  # the pace of the load


async def accepted(order: Callable[[], Awaitable[None]]) -> bool:
    """Whether it was accepted. False where the platform says that it can't be now, or nothing."""
    try:
        await order()
    except Refused as refused:
        if refused.status not in NOT_NOW:
            raise
    except AWAY:
        pass
    else:
        return True
    return False
