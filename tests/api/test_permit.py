"""What the inference service is told about a request, and that nobody else is."""

import time
from typing import Any
from uuid import UUID, uuid4

from libs.domain.events import DeploymentRequested, DeploymentUndeployed
from libs.domain.ids import deployment_stream, pipeline_stream
from libs.runtoken.token import Grant, RunTokens
from tests.api.service import INTERNAL, Answer, Service
from tests.api.world import World

PATH = "/internal/inference/permit"


async def deployed(world: World, workspace: int, name: str = "p") -> Any:
    """What its first event says, by which the inference service would serve it."""
    body = {"pipeline_id": name, "workspace_id": workspace, "definition": {}}
    made = await world.post("pipelines/create", body)
    pipeline = UUID(pipeline_stream(workspace, name).id)
    event = DeploymentRequested(
        pipeline=pipeline,
        name=name,
        version=UUID(made["pipeline_variant_version"]),
        version_number=made["pipeline_variant_pk_id"],
        steps=[],
        models=[],
    )
    stream = deployment_stream(workspace, pipeline)
    await world.append(stream, event)
    await world.service.caught_up()
    (fact, *_) = await world.log.read(stream)
    return {"number": fact.seq, "id": stream.id, "stream": stream, "event": event}


async def asked(
    service: Service, token: str, deployment: str, pipeline: str = "p", internal: str = INTERNAL
) -> Answer:
    query = {"deployment": deployment, "pipeline": pipeline}
    headers = {"Rondo-Internal-Token": internal}
    return await service.call("GET", PATH, token, params=query, headers=headers)


async def test_it_says_whose_request_it_is_and_for_how_long_that_is_good(world: World) -> None:
    workspace = await world.workspace()
    served = await deployed(world, workspace)
    answer = await asked(world.service, world.token, f"p-{served['number']}")
    me = (await world.post("users/whoami", {}))["id"]
    expires = answer.body.pop("expires_at")
    assert 0 < expires - time.time() <= 5
    assert answer.status == 200
    assert answer.body == {
        "workspace": workspace,
        "pipeline": str(served["event"].pipeline),
        "deployment": served["id"],
        "user": me,
        "run": None,
    }


async def test_the_number_counts_whatever_stands_before_it(world: World) -> None:
    served = await deployed(world, await world.workspace(), "a-b")
    for start in ("a-b", "other", ""):
        answer = await asked(world.service, world.token, f"{start}-{served['number']}", "a-b")
        assert answer.status == 200, start


async def test_the_code_of_a_run_is_known_by_its_run(world: World) -> None:
    workspace, task = await world.ready_task()
    run = await world.run(workspace, task)
    owner = (await world.post("users/whoami", {}))["id"]
    tokens = RunTokens(world.service.task_key, world.service.url)
    grant = Grant(owner, workspace, task, run)
    token = tokens.sign(grant, "Run", "a@example.org", int(time.time()) + 60)
    served = await deployed(world, workspace)
    answer = await asked(world.service, token, f"p-{served['number']}")
    assert (answer.status, answer.body["run"]) == (200, str(run))
    other = await deployed(world, await world.workspace())
    assert (await asked(world.service, token, f"p-{other['number']}")).status == 403


async def test_without_the_internal_token_there_is_nothing(world: World) -> None:
    served = await deployed(world, await world.workspace())
    for internal in ("", "wrong", "é"):
        answer = await asked(world.service, world.token, f"p-{served['number']}", internal=internal)
        nothing = await world.service.call("GET", "/nothing/here", world.token)
        assert (answer.status, answer.body) == (404, nothing.body)


async def test_refusals_are_in_the_shape_that_users_are_shown(
    world: World, outsider: World
) -> None:
    served = await deployed(world, await world.workspace())
    name = f"p-{served['number']}"
    refusals = {
        401: await asked(world.service, "none.of.ours", name),
        403: await asked(world.service, outsider.token, name),
        404: await asked(world.service, world.token, f"p-{10**9}"),
    }
    for status, answer in refusals.items():
        assert answer.status == status
        assert answer.body["code"] == status
        assert (answer.body["status"], answer.body["source"]) == ("Error", "api")
        assert answer.body["error"]


async def test_another_pipeline_or_none_is_not_found(world: World) -> None:
    served = await deployed(world, await world.workspace())
    for name, pipeline in ((f"p-{served['number']}", "q"), ("p", "p"), ("", ""), ("p-", "p")):
        assert (await asked(world.service, world.token, name, pipeline)).status == 404, name


async def test_what_is_undeployed_is_not_found(world: World) -> None:
    served = await deployed(world, await world.workspace())
    await world.append(served["stream"], DeploymentUndeployed())
    await world.service.caught_up()
    answer = await asked(world.service, world.token, f"p-{served['number']}")
    assert (answer.status, answer.body["error"]) == (
        404,
        "deployment: pipeline 'p' is not deployed; deploy it first",
    )


async def test_a_service_token_may_infer_in_its_workspaces(world: World) -> None:
    mine, other = await world.workspace(), await world.workspace()
    made = await world.post("tokens/create", {"name": f"t-{uuid4()}", "workspaces": [mine]})
    for workspace, status in ((mine, 200), (other, 403)):
        served = await deployed(world, workspace)
        answer = await asked(world.service, made["secret"], f"p-{served['number']}")
        assert answer.status == status
