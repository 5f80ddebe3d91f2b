"""Events: those that were, those that come, through connections that break."""

import random
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime
from uuid import uuid4

import pytest
from rondo import AsyncClient, Client, Event, Orchestration, Password
from rondo.errors import Forbidden, RequestRefused, Unavailable

from tests.platform import PATIENCE, Platform
from tests.sdk.conftest import SAYS
from tests.sdk.proxy import Proxy, proxied

Ready = Callable[[str], Orchestration]

ROAD = [
    "WorkspaceCreated",
    "OrchestrationUploaded",
    "OrchestrationReady",
    "TaskCreated",
    "RunRequested",
    "RunStarted",
    "RunFinished",
]


@pytest.fixture
def proxy(platform: Platform) -> Iterator[Proxy]:
    with proxied(platform.access["url"]) as proxy:
        yield proxy


def _types(events: list[Event]) -> list[str]:
    return [event.type() for event in events if event.type() != "OrchestrationPackagingStarted"]


def test_what_has_happened(client: Client, ready: Ready) -> None:
    workspace = client.get_current_workspace()
    task = ready(SAYS).run_once("says", {"n": 1})
    run = task.wait(PATIENCE)
    events = list(client.events(workspace, follow=False))
    assert _types(events) == ROAD
    assert [event.sequence() for event in events] == sorted({one.sequence() for one in events})
    created, finished = events[-4], events[-1]
    assert finished.subject() == f"run/{run.id()}"
    assert (finished.workspace_id(), finished.data()["status"]) == (workspace.id(), "success")
    assert created.actor() == client.auth.user_id()
    assert created.time() <= finished.time() <= datetime.now(UTC)
    assert finished.correlation_id() == created.correlation_id()
    assert finished.causation_id() == events[-3].id()
    assert "RunFinished" in finished._repr_html_()
    assert finished.to_json()["specversion"] == "1.0"


def test_filters(client: Client, ready: Ready) -> None:
    number = client.get_current_workspace().id()
    before = datetime.now(UTC)
    task = ready(SAYS).run_once("says", {})
    task.wait(PATIENCE)

    def types(**asked: object) -> list[str]:
        return _types(list(client.events(number, follow=False, **asked)))  # type: ignore[arg-type]

    assert types(types=["RunFinished", "RunStarted"]) == ["RunStarted", "RunFinished"]
    assert types(aggregate=f"task:{task.id()}") == ["TaskCreated"]
    assert types(since=before) == ROAD[1:] == types(since=before.isoformat())
    third = list(client.events(number, follow=False))[-3]
    assert types(after=third.sequence()) == ROAD[-2:]
    assert set(ROAD) <= set(_types(list(client.events(follow=False))))
    with pytest.raises(TypeError, match="types"):
        types(types="RunFinished")
    with pytest.raises(RequestRefused, match="types: "):
        types(types=["RunEnded"])


def test_what_happens_is_told_once_whatever_breaks(
    client: Client, ready: Ready, proxy: Proxy, login: Password
) -> None:
    orchestration, number = ready(SAYS), client.get_current_workspace().id()
    (*_, newest) = client.events(number, follow=False)
    there = Client(proxy.url, login=login)
    there.auth.tokens()
    draw = random.Random(9)
    proxy.cuts = [draw.randrange(1, 2500) for _ in range(40)]
    tasks = [orchestration.run_once("says", {"n": n}) for n in range(20)]
    with closing(there.events(number, ["RunFinished"], after=newest.sequence())) as followed:
        seen = [next(followed) for _ in tasks]
    assert proxy.opened > 5
    expected = client.events(number, ["RunFinished"], follow=False)
    assert [one.id() for one in seen] == [one.id() for one in expected]


async def test_by_asyncio(async_client: AsyncClient) -> None:
    workspace = await async_client.get_current_workspace()
    async for event in async_client.events(
        types=["WorkspaceCreated"], since="2020-01-01T00:00:00Z"
    ):
        if event.workspace_id() == workspace.id():
            break
    read = [one async for one in async_client.events(workspace, follow=False)]
    assert [one.type() for one in read] == ["WorkspaceCreated"]


def test_a_killed_api_is_waited_for(client: Client, platform: Platform) -> None:
    number = client.get_current_workspace().id()
    followed = client.events(number, after=0)
    assert next(followed).type() == "WorkspaceCreated"
    ada = client.create_user(f"{uuid4().hex}@example.org")
    assert platform.signal("api")
    while True:
        try:
            client.get_current_workspace().add_user(ada.email())
            break
        except Unavailable:  # a busy machine takes longer to start it again than a call waits
            pass
    assert next(followed).type() == "WorkspaceMemberAdded"


def test_who_is_shut_out_is_told(platform: Platform, client: Client) -> None:
    workspace = client.get_current_workspace()
    ada = client.create_user(f"{workspace.name()}@example.org")
    workspace.add_user(ada.email())
    login = Password(ada.email(), str(ada.password()))
    followed = Client(platform.access["url"], login=login).events(workspace.id(), after=0)
    assert [next(followed).type(), next(followed).type()] == [
        "WorkspaceCreated",
        "WorkspaceMemberAdded",
    ]
    workspace.remove_user(ada.email())
    with pytest.raises(Forbidden):
        list(followed)
