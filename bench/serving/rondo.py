"""Our own platform as one of the servers: models uploaded, pipelines deployed, over its API."""

import asyncio
import json
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import orjson
import pyarrow as pa

from bench.live import PATIENCE, Live
from bench.serving import forest
from bench.serving.rivals import ARROW
from bench.serving.server import Server, post
from examples.demo import call

RECORDS = "application/json; format=pandas-records"
# As the published SDK asks: all columns but the metadata, flat.
_QUERY = "?dataset[]=*&dataset.exclude[]=metadata&dataset.separator=."
Config = Mapping[str, Any]


def asleep_after(seconds: float) -> Config:
    """None or one replica: none once nobody has asked for so long."""
    return {
        "engine": {
            "autoscale": {
                "replica_min": 0,
                "replica_max": 1,
                "scale_up_queue_depth": 5,
                "autoscaling_window": seconds,
            }
        }
    }


class Platform:
    """What one does with a platform that has models."""

    def __init__(self, live: Live) -> None:
        self.live = live
        self.port = urlsplit(str(live.session._base_url)).port or 0

    async def upload(self, name: str, model: Path) -> dict[str, str]:
        """What a step says to name it."""
        form = aiohttp.FormData()
        conversion = {"framework": "onnx", "arch": "x86", "accel": "none"}
        about = {"name": name, "visibility": "private", "workspace_id": self.live.workspace}
        about_json = json.dumps({**about, "conversion": conversion})
        form.add_field("metadata", about_json, content_type="application/json")
        form.add_field("file", model.read_bytes(), filename=model.name)
        async with self.live.session.post("/v1/api/models/upload", data=form) as answer:
            made = await answer.json()
            assert answer.ok, made
        id = made["insert_models"]["returning"][0]["models"][0]["id"]
        async with asyncio.timeout(PATIENCE):
            while True:
                body = {"model_version_id": id}
                shown = await call(self.live.session, "models/get_version_by_id", body)
                version = shown["model_version"]["model_version"]
                if version["status"] == "ready":
                    file = version["file_info"]
                    return {"name": name, "version": file["version"], "sha": file["sha"]}

    async def pipeline(self, name: str, model: Mapping[str, str]) -> int:
        """The number of a version that infers with the model."""
        definition = {"id": name, "steps": [{"ModelInference": {"models": [model]}}]}
        where = {"pipeline_id": name, "workspace_id": self.live.workspace}
        made = await call(
            self.live.session, "pipelines/create", {**where, "definition": definition}
        )
        return int(made["pipeline_variant_pk_id"])

    async def deploy(self, name: str, version: int, config: Config) -> int:
        body = {"deploy_id": name, "pipeline_version_pk_id": version, "engine_config": config}
        return int((await call(self.live.session, "pipelines/deploy", body))["id"])

    async def undeploy(self, number: int) -> None:
        await call(self.live.session, "pipelines/undeploy", {"deployment_id": number})

    async def running(self, name: str, number: int) -> float:
        """The seconds until it says so."""
        began = time.perf_counter()
        async with asyncio.timeout(PATIENCE):
            while True:
                body = {"name": f"{name}-{number}"}
                status = (await call(self.live.session, "status/get_deployment", body))["status"]
                if status == "Running":
                    return time.perf_counter() - began
                assert status != "Error", f"{name} can't be served"

    def server(self, name: str, number: int, model: Path, *, arrow: bool) -> Server:
        """As those who ask see it."""
        token = f"Authorization: {self.live.session.headers['Authorization']}"
        path = f"/v1/api/pipelines/infer/{name}-{number}/{name}{_QUERY}"
        requests = {
            count: post(path, ARROW if arrow else RECORDS, _body(count, arrow), token)
            for count in (1, forest.COUNT)
        }
        session = forest.session(model)
        return Server(
            f"ours, {'Arrow' if arrow else 'JSON'}",
            self.port,
            self.live.pid,
            requests[1],
            requests[forest.COUNT],
            _of_table if arrow else _of_records,
            {request: forest.predictions(session, n) for n, request in requests.items()},
        )


def _body(count: int, arrow: bool) -> bytes:
    return forest.arrow(count) if arrow else orjson.dumps(forest.records(count))


def _of_records(body: bytes) -> object:
    return [record["out.variable"] for record in orjson.loads(body)]


def _of_table(body: bytes) -> object:
    return pa.ipc.open_file(body).read_all().column("out.variable").combine_chunks().flatten()
