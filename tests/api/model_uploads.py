"""Models as users upload them over HTTP."""

import io
import json
import zipfile
from typing import Any
from uuid import UUID

from libs.domain.events import ModelVersionUploaded
from libs.domain.ids import model_version_stream
from tests.api.service import Answer
from tests.api.world import World, form

FILE = b"\x08\x08\x12\x04onnx"
ONNX = {"framework": "onnx", "arch": "x86", "accel": "none", "requirements": []}


def metadata(workspace: int, name: str = "rf", **more: Any) -> dict[str, Any]:
    return {
        "name": name,
        "visibility": "private",
        "workspace_id": workspace,
        "conversion": ONNX,
        **more,
    }


async def upload(
    world: World,
    said: dict[str, Any],
    file: bytes = FILE,
    path: str = "models/upload",
    key: str | None = None,
) -> Answer:
    headers = {"Idempotency-Key": key} if key else {}
    data = form(file, json.dumps(said), "rf_model.onnx")
    return await world.service.call(
        "POST", f"/v1/api/{path}", world.token, data=data, headers=headers
    )


async def uploaded(world: World, said: dict[str, Any], **more: Any) -> int:
    answer = await upload(world, said, **more)
    assert answer.status == 200, answer.body
    number: int = answer.body["insert_models"]["returning"][0]["models"][0]["id"]
    return number


async def version(world: World, number: int) -> Any:
    answer = await world.post("models/get_version_by_id", {"model_version_id": number})
    return answer["model_version"]


async def refused(world: World, path: str, body: Any, status: int = 400) -> str:
    message: str = (await world.post(path, body, status))["msg"]
    return message


async def event_of(world: World, workspace: int, number: int) -> ModelVersionUploaded:
    id = UUID((await version(world, number))["model_version"]["file_info"]["version"])
    (fact, *_) = await world.log.read(model_version_stream(workspace, id))
    assert isinstance(fact.event, ModelVersionUploaded)
    return fact.event


def zipped(files: dict[str, str]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, text in {"step.py": "", **files}.items():
            archive.writestr(name, text)
    return buffer.getvalue()
