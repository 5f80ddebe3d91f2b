"""Models, pipelines and a deployment, made as users make them: by the API."""

import json
from pathlib import Path
from typing import Any

import aiohttp

from tests.inference.models import linear
from tests.platform import Api, until

ROW = {"tensor": [1.0, 1.0, 1.0]}
ANSWER = 6.1  # of the model `linear` to this row


def reference(version: dict[str, Any]) -> dict[str, str]:
    """As steps name it."""
    file = version["file_info"]
    return {"name": version["name"], "version": file["version"], "sha": file["sha"]}


def step(version: dict[str, Any]) -> dict[str, Any]:
    """One that runs it."""
    return {"ModelInference": {"models": [reference(version)]}}


async def model(client: Api, folder: Path, name: str = "house-price") -> dict[str, Any]:
    """Uploads a version of a small model; it is probed. Gives it as the API does."""
    form = aiohttp.FormData()
    metadata = {"workspace_id": client.workspace, "name": name}
    form.add_field("metadata", json.dumps(metadata), content_type="application/json")
    content = linear(folder / f"{name}.onnx").read_bytes()
    form.add_field("file", content, filename=f"{name}.onnx")
    async with client.session.post("/v1/api/models/upload", data=form) as answer:
        uploaded = await answer.json()
        assert answer.status == 200, uploaded
    number = uploaded["insert_models"]["returning"][0]["models"][0]["id"]
    body = {"model_version_id": number}
    version = (await client.post("models/get_version_by_id", body))["model_version"]
    assert version["model_version"]["status"] == "ready"
    return dict(version["model_version"])


async def number_of(client: Api, version: dict[str, Any]) -> int:
    """The number of the version's model."""
    listed = await client.post("models/list", {"workspace_id": client.workspace})
    return next(
        int(one["model"]["id"])
        for one in listed["models"]
        if one["model"]["name"] == version["name"]
    )


async def pipeline(client: Api, name: str, *steps: dict[str, Any]) -> dict[str, Any]:
    """A new version of it."""
    definition = {"steps": list(steps)}
    body = {"pipeline_id": name, "workspace_id": client.workspace, "definition": definition}
    return dict(await client.post("pipelines/create", body))


async def deployed(client: Api, name: str, version: dict[str, Any], **engine: Any) -> int:
    """Deploys that version of the pipeline `name`; the deployment's number once it runs."""
    body = {
        "deploy_id": name,
        "pipeline_version_pk_id": version["pipeline_variant_pk_id"],
        "engine_config": {"engine": {"cpu": 0.5, **engine}},
    }
    number = int((await client.post("pipelines/deploy", body))["id"])

    async def running() -> bool:
        status = await client.post("status/get_deployment", {"name": f"{name}-{number}"})
        assert status["status"] != "Error", status["details"]
        return bool(status["status"] == "Running")

    await until(running, "its replica")
    return number


async def infer(client: Api, name: str, deployment: int, *rows: dict[str, Any]) -> Any:
    path = f"/v1/api/pipelines/infer/{name}-{deployment}/{name}"
    headers = {"Content-Type": "application/json; format=pandas-records"}
    async with client.session.post(path, data=json.dumps(rows), headers=headers) as answer:
        assert answer.status == 200, await answer.text()
        return await answer.json()
