"""Models as uploads and the inference service make them, for tests to begin from."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

from libs.domain.events import (
    Event,
    ModelCreated,
    ModelVersionConfigured,
    ModelVersionReady,
    ModelVersionUploaded,
)
from libs.domain.ids import model_stream, model_version_stream
from libs.domain.values import TensorSpec
from tests.api.world import World

SHA = "e22a0831aafd9917f3cc87a15ed267797f80e2afa12ad7d8810ca58f173b8cc5"
INPUT = TensorSpec(name="float_input", dtype="float", shape=[None, 18])
OUTPUT = TensorSpec(name="variable", dtype="float", shape=[None, 1])
READY = ModelVersionReady(inputs=[INPUT], outputs=[OUTPUT], trees=True)


@dataclass(frozen=True)
class Version:
    """`number` and `model` are integers of the wire; `config` is the newest."""

    id: UUID
    number: int
    model: int
    config: int
    workspace: int


async def model_version(
    world: World,
    workspace: int,
    name: str = "rf",
    outcome: Event | None = READY,
    tensor_fields: list[str] | None = None,
    **more: Any,
) -> Version:
    """One that is probed, unless `outcome` is None; reads show it."""
    stream = model_stream(workspace, name)
    if await world.log.last(stream) is None:
        await world.append(stream, ModelCreated(name=name))
    facts = await world.log.read(stream)
    id = uuid4()
    uploaded = ModelVersionUploaded(
        **{
            "model": UUID(stream.id),
            "name": name,
            "file_name": f"{name}.onnx",
            "file_size": 225_818,
            "sha": SHA,
            "blob": f"models/{id}",
            "framework": "onnx",
            "conversion": {"framework": "onnx", "arch": "x86", "accel": "none"},
            **more,
        }
    )
    versions = model_version_stream(workspace, id)
    await world.append(versions, uploaded, *([outcome] if outcome else []))
    if tensor_fields:
        await world.append(versions, ModelVersionConfigured(tensor_fields=tensor_fields))
    lived = await world.log.read(versions)
    configured = [fact.seq for fact in lived if isinstance(fact.event, ModelVersionConfigured)]
    await world.service.caught_up()
    number = lived[0].seq
    return Version(id, number, facts[-1].seq, configured[-1] if configured else number, workspace)
