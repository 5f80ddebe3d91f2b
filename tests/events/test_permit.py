"""Who is let in once may be shut out later, and then hears nothing more (I8)."""

import asyncio
import threading
from uuid import UUID, uuid4

import pytest

from libs.domain.workspace import Workspace
from libs.eventfeed import follow
from libs.eventlog.log import EventLog
from libs.identity.tokens import Tokens
from libs.identity.users import User
from services.api.access import authorize as access
from services.api.events import permissions
from services.api.read_model.row_types import Rows
from tests.api.callers import MEMBER
from tests.api.service import Service
from tests.api.test_login import claims
from tests.api.test_run_tokens import scene_of
from tests.api.world import World, new_user, users
from tests.events.client import page, pages, subscribed
from tests.platform import PATIENCE

AGAIN = 0.05


@pytest.fixture
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is no event is noticed soon."""
    monkeypatch.setattr(permissions, "RENEW_EVERY_SECONDS", AGAIN)
    monkeypatch.setattr(follow, "HEARTBEAT_SECONDS", AGAIN)


async def shared(world: World, user: UUID) -> int:
    workspace = await world.workspace()
    await world.add_member(workspace, user)
    return workspace


async def remove(world: World, workspace: int, user: UUID) -> None:
    body = {"workspace_id": workspace, "user_id": str(user)}
    await world.post("workspaces/remove_user", body)


async def test_a_removed_member_hears_nothing_of_what_comes_after(
    world: World, member: World, people: dict[str, UUID]
) -> None:
    workspace = await shared(world, people[MEMBER])
    async with subscribed(member, workspace=workspace, after=0) as stream:
        await stream.events(2)
        await world.upload(workspace)
        (uploaded,) = await stream.events(1)
        await remove(world, workspace, people[MEMBER])
        await world.upload(workspace)
        rest, why = await stream.end()
    assert uploaded.event == "OrchestrationUploaded"
    assert rest == []
    assert (why["code"], why["reason"]) == (403, "forbidden")
    answer = await member.service.call(
        "GET", "/v1/api/events", member.token, params={"workspace": workspace}
    )
    assert answer.status == 403


async def test_all_that_i_may_see_follows_what_i_may_see(
    world: World, member: World, people: dict[str, UUID]
) -> None:
    kept, others = await shared(world, people[MEMBER]), await world.workspace()
    async with subscribed(member) as stream:
        await stream.joined()
        lost = await shared(world, people[MEMBER])
        await world.upload(lost)
        await world.upload(others)
        await remove(world, lost, people[MEMBER])
        await world.upload(lost)
        await world.upload(kept)
        own = await member.workspace()
        await member.upload(own)
        found: list[tuple[str, int]] = []
        while ("OrchestrationUploaded", own) not in found:
            (one,) = await stream.events(1)
            found.append((one.event, one.data["workspaceid"]))
    assert ("OrchestrationUploaded", others) not in found
    assert found.count(("OrchestrationUploaded", lost)) <= 1  # of two, one came too late
    assert found[-3:] == [
        ("OrchestrationUploaded", kept),
        ("WorkspaceCreated", own),
        ("OrchestrationUploaded", own),
    ]


async def test_who_becomes_a_member_hears_at_once(
    world: World, member: World, people: dict[str, UUID]
) -> None:
    async with subscribed(member) as stream:
        await stream.joined()
        for _ in range(5):
            workspace = await shared(world, people[MEMBER])
            await world.upload(workspace)
            added, uploaded = await stream.events(2)
            assert (added.event, added.data["workspaceid"]) == ("WorkspaceMemberAdded", workspace)
            assert uploaded.data["workspaceid"] == workspace


async def test_what_happens_while_rights_are_looked_up_is_not_lost(
    world: World, member: World, people: dict[str, UUID], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The lookup has read the rows when the workspace's next event comes."""
    begun, go_on = threading.Event(), threading.Event()
    look_up = access.workspaces

    async def slow(user: User, rows: Rows) -> list[Workspace]:
        found = await look_up(user, rows)
        if user.id == people[MEMBER]:
            begun.set()
            await asyncio.to_thread(go_on.wait, PATIENCE)
        return found

    async with subscribed(member) as stream:
        await stream.joined()
        monkeypatch.setattr(access, "workspaces", slow)
        workspace = await shared(world, people[MEMBER])
        assert await asyncio.to_thread(begun.wait, PATIENCE)
        await world.upload(workspace)
        go_on.set()
        added, uploaded = await stream.events(2)
    assert (added.event, added.data["workspaceid"]) == ("WorkspaceMemberAdded", workspace)
    assert (uploaded.event, uploaded.data["workspaceid"]) == ("OrchestrationUploaded", workspace)


async def test_nobody_sees_others_events(
    world: World, outsider: World, people: dict[str, UUID]
) -> None:
    workspace, task = await world.ready_task()
    mine = {state["id"] for state in (await outsider.post("workspaces/list", {}))["workspaces"]}
    assert {event["workspaceid"] for event in await pages(outsider)} <= mine
    assert await pages(outsider, aggregate=f"task:{task}") == []
    await page(outsider, 403, workspace=workspace)
    await page(outsider, 403, workspace=0)
    await page(outsider, 404, workspace=10**9)


async def test_a_disabled_user_hears_nothing_more(
    service: Service, world: World, log: EventLog, soon: None
) -> None:
    name = f"{uuid4()}@example.org"
    id = await new_user(service, name)
    somebody = World(service, log, await service.login(name))
    async with subscribed(somebody) as stream:
        await stream.joined()
        await world.post("users/set_enabled", {"id": str(id), "enabled": False})
        _, why = await stream.end()
    assert (why["code"], why["reason"]) == (401, "unauthorized")


async def test_who_is_no_administrator_any_more_hears_of_their_own_only(
    service: Service, world: World, log: EventLog, soon: None
) -> None:
    name = f"{uuid4()}@example.org"
    id = await new_user(service, name)
    await world.post("users/set_admin", {"id": str(id), "admin": True})
    somebody = World(service, log, await service.login(name))
    own, other = await somebody.workspace(), await world.workspace()
    async with subscribed(somebody) as stream:
        await stream.joined()
        await world.upload(other)
        (heard,) = await stream.events(1)
        await world.post("users/set_admin", {"id": str(id), "admin": False})
        for _ in range(3):  # each sign of life comes after a look at who it is
            await stream.joined()
        await world.upload(other)
        await somebody.upload(own)
        (after,) = await stream.events(1)
    assert (heard.data["workspaceid"], after.data["workspaceid"]) == (other, own)


async def test_a_stream_ends_with_its_token(service: Service, world: World, soon: None) -> None:
    async with users(service) as known:
        user = await known.with_password("admin", "a password for tests")
    assert user is not None
    token = Tokens(service.key, service.url, 8).issue(user).access_token
    async with subscribed(world, token=token) as stream:
        _, why = await stream.end()
    assert (why["code"], why["reason"]) == (401, "unauthorized")


async def test_a_run_hears_of_its_workspace_until_it_ends(world: World, soon: None) -> None:
    scene = await scene_of(world, claims(world.token)["sub"])
    async with subscribed(world, token=scene.token()) as stream:
        await stream.joined()
        await world.upload(scene.elsewhere)
        await world.upload(scene.workspace)
        await scene.end()
        heard, why = await stream.end()
    assert heard[0].event == "OrchestrationUploaded"
    assert {one.data["workspaceid"] for one in heard} == {scene.workspace}
    assert (why["code"], why["reason"]) == (401, "unauthorized")


async def test_a_program_hears_of_its_workspaces_only(world: World, soon: None) -> None:
    workspace, another = await world.workspace(), await world.workspace()
    made = await world.post("tokens/create", {"name": "robot", "workspaces": [workspace]})
    robot = World(world.service, world.log, made["secret"])
    async with subscribed(robot) as stream:
        await stream.joined()
        await asyncio.gather(*(world.upload(one) for one in (another, workspace)))
        (heard,) = await stream.events(1)
        await world.post("tokens/revoke", {"id": made["token"]["id"]})
        rest, why = await stream.end()
    assert heard.data["workspaceid"] == workspace
    assert (rest, why["code"]) == ([], 401)
    made = await world.post("tokens/create", {"name": "robot", "workspaces": [workspace]})
    robot = World(world.service, world.log, made["secret"])
    await page(robot, 403, workspace=another)
    await page(robot, 403, workspace=0)
    assert {event["workspaceid"] for event in await pages(robot)} == {workspace}
