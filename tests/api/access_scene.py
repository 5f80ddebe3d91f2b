"""A workspace with one of everything, for tests of who may do what with it."""

from dataclasses import dataclass, field
from typing import Any
from uuid import UUID, uuid4

from libs.domain.events import WorkspaceMemberAdded
from libs.domain.ids import workspace_stream
from tests.api.definitions import inference, model
from tests.api.served_world import Version, model_version
from tests.api.test_deployments import deploy
from tests.api.test_pipelines import built
from tests.api.world import World, new_user

SPARES = 5  # of what can be deleted once only


@dataclass(frozen=True)
class Scene:
    """A workspace of somebody who is no administrator, and what is in it."""

    workspace: int
    orchestration: str
    task: str
    run: str
    somebody: str
    connection: str  # of the owner, attached; by name in `doomed`, others of theirs
    token: str  # of the owner
    subscription: str  # of the owner; some more in `ended`
    version: str  # of a pipeline, `p`
    pipeline: int  # its number
    deployment: int  # of that
    model: Version  # of `rf`
    doomed: list[str] = field(default_factory=list)
    unwanted: list[str] = field(default_factory=list)  # pipelines
    ended: list[str] = field(default_factory=list)

    @property
    def order(self) -> dict[str, Any]:
        return {"orch_id": self.orchestration, "workspace_id": self.workspace, "json": {}}


async def make_scene(owner: World, collaborator: UUID) -> Scene:
    """In a new workspace of the owner's."""
    workspace, task = await owner.ready_task(schedule="@daily")
    added = WorkspaceMemberAdded(user=str(collaborator), role="collaborator")
    await owner.append(workspace_stream(workspace), added)
    run = await owner.run(workspace, task, "success", lines=0)
    orchestration = (await owner.post("task/get_by_id", {"id": str(task)}))["orch_id"]
    somebody = str(await new_user(owner.service, f"{uuid4()}@example.org"))
    connection, doomed = await _connections(owner, workspace)
    body = {"name": "robot", "workspaces": [workspace]}
    token = (await owner.post("tokens/create", body))["token"]["id"]
    hook = {"workspace_id": workspace, "name": "s", "url": "https://hooks.invalid/"}
    subscription, *ended = [
        (await owner.post("subscriptions/create", hook, 201))["subscription"]["id"]
        for _ in range(1 + SPARES)
    ]
    version, pipeline, deployment, unwanted = await _pipelines(owner, workspace)
    return Scene(
        workspace,
        orchestration,
        str(task),
        str(run),
        somebody,
        connection,
        token,
        subscription,
        version,
        pipeline,
        deployment,
        await model_version(owner, workspace),
        doomed=doomed,
        ended=ended,
        unwanted=unwanted,
    )


async def _connections(owner: World, workspace: int) -> tuple[str, list[str]]:
    """One that is attached, its id; and the names of others."""
    names = [f"c-{workspace}", *(f"doomed-{uuid4()}" for _ in range(SPARES))]
    connection, *_ = [
        (await owner.post("connections/create", {"name": name, "type": "X"}))["id"]
        for name in names
    ]
    attachment = {"workspace_id": workspace, "connection_id": connection}
    await owner.post("connections/add_to_workspace", attachment)
    return connection, names[1:]


async def _pipelines(owner: World, workspace: int) -> tuple[str, int, int, list[str]]:
    """One that stays: a version, its number, its deployment. And the names of those that do not."""
    unwanted = [f"unwanted-{number}" for number in range(SPARES)]
    for name in unwanted:
        await built(owner, workspace, name)
    definition = inference(await model(owner, workspace))
    made = await built(owner, workspace, definition=definition)
    number = await deploy(owner, made)
    version, pipeline = made["pipeline_variant_version"], made["pipeline_pk_id"]
    return version, pipeline, number["id"], unwanted
