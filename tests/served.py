"""A pipeline of the platform over the raw API: uploaded, deployed, asked, and its log read."""

from collections import Counter
from pathlib import Path
from typing import Any

import aiohttp

from tests.platform import PATIENCE, Api, answered, until

_PAGE = 10_000  # records


class Served:
    """The pipeline of that name in the workspace of `client`; its models are to take three
    numbers and to answer the first of them plus 0.1."""

    def __init__(self, client: Api, name: str) -> None:
        self.client, self.name = client, name
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
        await self.client.post("pipelines/undeploy", {"deployment_id": self._deployment})

    async def running(self) -> None:
        """Returns once it is."""
        order = {"name": f"{self.name}-{self._deployment}"}

        async def runs() -> bool:
            state = await self.client.post("status/get_deployment", order)
            assert state["status"] != "Error", state
            return bool(state["status"] == "Running")

        await until(runs, f"pipeline {self.name} to run")

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
