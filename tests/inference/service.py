"""The inference service as a process of its own, between real stores and a test's api.

The api's part is small: it says who may. Deployments and uploads are events, appended as the api
does.
"""

import asyncio
import hashlib
import io
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4, uuid5

import aiohttp
from aiohttp import web

from libs.blobs.local import LocalStore
from libs.domain import deployment as deployments
from libs.domain import model_version as versions
from libs.domain.deployment import Deployment
from libs.domain.events import (
    DeploymentRequested,
    DeploymentUndeployed,
    ModelVersionPackaged,
    ModelVersionUploaded,
    ReplicaStarted,
    ReplicaStopped,
)
from libs.domain.ids import deployment_stream, model_version_stream
from libs.domain.model_version import ModelVersion
from libs.domain.values import DeployedModel, ReplicaLimits, Scaling, TensorSpec
from libs.eventlog.envelope import Context, Recorded
from libs.eventlog.log import EventLog, Proposed
from libs.eventlog.transact import load
from tests.servers import TOKEN, free_port

INTERNAL = "internal-token"
PATIENCE = 60.0  # seconds that a busy machine may take
WORKSPACE = 1
_API = Context(source="api", actor="test")


@dataclass
class Permits:
    """GET /internal/inference/permit by its contract: `known` are the pipelines by their name."""

    known: dict[str, UUID] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    runner: web.AppRunner | None = None
    seconds: float = 5.0

    async def answer(self, request: web.Request) -> web.Response:
        if request.headers.get("Rondo-Internal-Token") != INTERNAL:
            return web.Response(status=404)
        self.asked.append(request.query["deployment"])
        if request.headers.get("Authorization") != "Bearer good":
            error = {"code": 401, "status": "Error", "error": "log in", "source": "api"}
            return web.json_response(error, status=401)
        pipeline = self.known.get(request.query["pipeline"])
        if pipeline is None:
            error = {"code": 404, "status": "Error", "error": "no such", "source": "api"}
            return web.json_response(error, status=404)
        return web.json_response(
            {
                "workspace": WORKSPACE,
                "pipeline": str(pipeline),
                "deployment": deployment_stream(WORKSPACE, pipeline).id,
                "user": "7d9cbd4f-0a0e-4b3f-9d3f-3d0a9c8a5d11",
                "run": None,
                "expires_at": time.time() + self.seconds,
            }
        )

    async def start(self) -> str:
        app = web.Application()
        app.router.add_get("/internal/inference/permit", self.answer)
        self.runner = web.AppRunner(app)
        await self.runner.setup()
        port = free_port()
        await web.TCPSite(self.runner, "127.0.0.1", port).start()
        return f"http://127.0.0.1:{port}"


@dataclass
class Service:
    """Started and stopped by the fixture in conftest.py."""

    folder: Path
    environment: dict[str, str]
    log: EventLog
    permits: Permits
    session: aiohttp.ClientSession
    port: int
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def blobs(self) -> LocalStore:
        return LocalStore(self.folder / "blobs")

    async def start(self, **settings: str) -> None:
        """Returns when it is ready."""
        await self.begin(**settings)
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline and self.lives:
            with suppress(aiohttp.ClientError):
                async with self.session.get(f"{self.url}/readyz") as answer:
                    if answer.status == 200:
                        return
            await asyncio.sleep(0.02)
        raise AssertionError(self.said())

    @property
    def lives(self) -> bool:
        return self.process is not None and self.process.poll() is None

    async def begin(self, **settings: str) -> None:
        """Starts it."""
        with (self.folder / "service.log").open("ab") as log:
            self.process = await asyncio.to_thread(
                subprocess.Popen,
                [sys.executable, "-P", "-m", "services.inference"],
                env=self.environment | settings,
                stderr=log,
            )

    async def seen(self, seq: int) -> None:
        """Returns once its gateways know all events up to `seq`."""
        connector = None
        url = f"{self.url}/internal/seen?seq={seq}"
        if (where := self.environment["RONDO_LISTEN"]).startswith("unix:"):
            connector = aiohttp.UnixConnector(where.removeprefix("unix:"))
        async with (
            aiohttp.ClientSession(connector=connector) as session,
            session.get(url, headers={"Rondo-Internal-Token": INTERNAL}) as answer,
        ):
            assert answer.status == 200, await answer.text()

    def said(self) -> str:
        return (self.folder / "service.log").read_text()

    def stop(self, how: signal.Signals = signal.SIGTERM) -> None:
        if self.process is not None:
            self.process.send_signal(how)
            self.process.wait(PATIENCE)

    def children(self, shown: str) -> list[int]:
        """Pids of our processes that ps(1) shows as beginning so."""
        assert self.process is not None
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        found = []
        for pid in map(int, children.read_text().split()):
            with suppress(FileNotFoundError):  # it has just ended
                line = Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ")
                if line.startswith(shown.encode()):
                    found.append(pid)
        return found

    async def child(self, shown: str, other_than: int = 0) -> int:
        """The pid of such a one, once there is one."""
        async with asyncio.timeout(PATIENCE):
            while True:
                if found := [pid for pid in self.children(shown) if pid != other_than]:
                    return found[0]
                await asyncio.sleep(0.01)

    async def store(self, model: Path) -> tuple[str, str]:
        """Its SHA-256, and its key in the blob store."""
        sha = hashlib.sha256(model.read_bytes()).hexdigest()
        await self.blobs.put(f"models/{sha}", model)
        return sha, f"models/{sha}"

    async def upload(
        self, model: Path, framework: str = "onnx", environment: str = "", **fields: Any
    ) -> ModelVersion:
        """What has become of it. With an `environment` it is as if the packager had made that."""
        sha, blob = await self.store(model)
        stream = model_version_stream(WORKSPACE, uuid4())
        event = ModelVersionUploaded(
            model=uuid4(),
            name="house",
            file_name=model.name,
            file_size=model.stat().st_size,
            sha=sha,
            blob=blob,
            framework=framework,
            **fields,
        )
        seq = await self.log.append(Proposed(stream, 0, event), _API)
        if environment:
            made = ModelVersionPackaged(environment=environment, lock_digest="0")
            await self.log.append(Proposed(stream, seq, made), _API)
        async with asyncio.timeout(PATIENCE):
            while True:
                state, _ = await load(self.log, stream, versions.evolve)
                if state.status != "pending":
                    return state
                await asyncio.sleep(0.02)

    async def deploy(
        self,
        name: str,
        model: Path,
        scaling: Scaling | None = None,
        limits: ReplicaLimits | None = None,
        framework: str = "onnx",
        inputs: Sequence[TensorSpec] = (),
        outputs: Sequence[TensorSpec] = (),
        threads: int = 1,
    ) -> "Deployed":
        """Asks for it, and returns at once."""
        sha, blob = await self.store(model)
        version = uuid5(UUID(int=0), sha)
        one = DeployedModel(
            name="house",
            version=version,
            number=5,
            config=6,
            sha=sha,
            blob=blob,
            framework=framework,
            inputs=list(inputs),
            outputs=list(outputs),
            threads=threads,
        )
        return await self._request(name, [one], scaling, limits)

    async def serve(
        self, name: str, *versions: ModelVersion, limits: ReplicaLimits | None = None
    ) -> "Deployed":
        """Asks for a pipeline of these, one step after the other; returns at once."""
        models = [
            DeployedModel(
                name=one.name,
                version=one.id,
                number=one.number,
                config=one.config.number,
                sha=one.sha,
                blob=one.blob,
                framework=one.framework,
                inputs=one.inputs,
                outputs=one.outputs,
                environment=one.environment,
            )
            for one in versions
        ]
        return await self._request(name, models, None, limits)

    async def _request(
        self,
        name: str,
        models: list[DeployedModel],
        scaling: Scaling | None,
        limits: ReplicaLimits | None,
    ) -> "Deployed":
        pipeline = uuid5(UUID(int=0), name)
        self.permits.known[name] = pipeline
        references = [
            {"name": one.name, "version": str(one.version), "sha": one.sha} for one in models
        ]
        event = DeploymentRequested(
            pipeline=pipeline,
            name=name,
            version=uuid4(),
            version_number=9,
            steps=[{"ModelInference": {"models": [each]}} for each in references],
            models=models,
            scaling=scaling or Scaling(),
            limits=limits or ReplicaLimits(),
        )
        deployed = Deployed(self, name, pipeline, event.version)
        await deployed.append(event)
        return deployed


@dataclass
class Deployed:
    """A pipeline that was asked to be served."""

    service: Service
    name: str
    pipeline: UUID
    version: UUID

    async def append(self, event: DeploymentRequested | DeploymentUndeployed) -> int:
        stream = deployment_stream(WORKSPACE, self.pipeline)
        while True:
            events = await self.service.log.read(stream)
            last = events[-1].seq if events else 0
            with suppress(Exception):
                return await self.service.log.append(Proposed(stream, last, event), _API)

    async def events(self) -> list[Recorded]:
        return await self.service.log.read(deployment_stream(WORKSPACE, self.pipeline))

    async def state(self) -> Deployment:
        stream = deployment_stream(WORKSPACE, self.pipeline)
        state, _ = await load(self.service.log, stream, deployments.evolve)
        return state

    async def until(self, holds: Callable[[Deployment], bool]) -> Deployment:
        """Waits for what the log says of it."""
        try:
            async with asyncio.timeout(PATIENCE):
                while True:
                    state = await self.state()
                    if holds(state):
                        return state
                    await asyncio.sleep(0.01)
        except TimeoutError:
            raise AssertionError(f"{state}\n{self.service.said()}") from None

    async def running(self, replicas: int = 1) -> Deployment:
        return await self.until(
            lambda one: one.status == "running" and len(one.replicas) == replicas
        )

    async def undeploy(self) -> int:
        return await self.append(DeploymentUndeployed())

    async def infer(
        self, rows: Sequence[dict[str, Any]], caller: str = "good", timeout: float = PATIENCE
    ) -> tuple[int, Any]:
        """Status and JSON of the answer."""
        async with self.service.session.post(
            self.url,
            data=io.BytesIO(json.dumps(rows).encode()),
            headers={
                "Authorization": f"Bearer {caller}",
                "Content-Type": "application/json; format=pandas-records",
            },
            timeout=aiohttp.ClientTimeout(total=timeout),
        ) as answer:
            return answer.status, await answer.json()

    @property
    def url(self) -> str:
        return f"{self.service.url}/v1/api/pipelines/infer/{self.name}-1/{self.name}"

    async def shown(self) -> Any:
        id = deployment_stream(WORKSPACE, self.pipeline).id
        async with self.service.session.get(
            f"{self.service.url}/internal/deployments/{id}",
            headers={"Rondo-Internal-Token": INTERNAL},
        ) as answer:
            return await answer.json()

    async def pids(self) -> list[int]:
        return [
            one["pid"] for one in (await self.shown())["replicas"] if one["status"] == "running"
        ]

    async def under_way(self, count: int) -> None:
        """Waits until so many requests wait or run."""
        async with asyncio.timeout(PATIENCE):
            while True:
                shown = await self.shown()
                if shown["running"] + shown["waiting"] == count:
                    return
                await asyncio.sleep(0.01)

    async def ends(self) -> list[str]:
        """Why its replicas have stopped so far."""
        found = [fact.event for fact in await self.events()]
        return [event.reason for event in found if isinstance(event, ReplicaStopped)]

    async def started(self, times: int) -> None:
        """Waits until so many replicas have been started in all."""
        async with asyncio.timeout(PATIENCE):
            while True:
                if await self.starts() >= times:
                    return
                await asyncio.sleep(0.01)

    async def starts(self) -> int:
        return sum(isinstance(fact.event, ReplicaStarted) for fact in await self.events())


def environment(folder: Path, nats_url: str, dsn: str, api: str, port: int) -> dict[str, str]:
    """For a service whose data lies in `folder`."""
    secrets = {"nats-token": TOKEN, "internal-token": INTERNAL}
    for name, text in secrets.items():
        (folder / name).write_text(text)
    data = folder / "data"
    data.mkdir()
    return {
        "PATH": os.environ["PATH"],
        "RONDO_NATS_URL": nats_url,
        "RONDO_NATS_TOKEN_FILE": str(folder / "nats-token"),
        "RONDO_INTERNAL_TOKEN_FILE": str(folder / "internal-token"),
        "RONDO_POSTGRES_DSN": dsn,
        "RONDO_LISTEN": f"127.0.0.1:{port}",
        "RONDO_BLOBS_URL": f"file://{folder / 'blobs'}",
        "RONDO_DATA": str(data),
        "RONDO_PUBLIC_URL": api,
        "RONDO_ENVIRONMENTS": str(folder / "environments"),
    }


def clean(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
