"""Models as the steps of a pipeline name them, and definitions of such steps."""

from typing import Any
from uuid import UUID

from libs.domain.events import Event, ModelVersionFailed
from libs.domain.ids import StreamId, model_version_stream
from tests.api.served_world import READY, SHA, model_version
from tests.api.world import World

Named = dict[str, Any]


async def model(
    world: World,
    workspace: int,
    name: str = "m",
    outcome: Event | None = READY,
    fields: list[str] | None = None,
) -> Named:
    """A version that is probed, unless `outcome` is None; with a config that has `fields`."""
    made = await model_version(world, workspace, name, outcome, fields)
    return {"name": name, "version": str(made.id), "sha": SHA}


async def pending(world: World, workspace: int, name: str = "m") -> Named:
    return await model(world, workspace, name, None)


async def broken(world: World, workspace: int, reason: str) -> Named:
    return await model(world, workspace, outcome=ModelVersionFailed(reason=reason))


def versions_of(workspace: int, named: Named) -> StreamId:
    return model_version_stream(workspace, UUID(named["version"]))


def inference(*models: Named) -> dict[str, Any]:
    """A definition with one step."""
    return {"steps": [{"ModelInference": {"models": list(models)}}]}
