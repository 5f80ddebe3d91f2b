"""Pages of runs, times and people are for everybody too: axe, the dark, a phone, no scripts."""

from uuid import uuid4

import pytest
from playwright.sync_api import expect

from tests.dashboard.test_everybody import PHONE, serious
from tests.dashboard.test_run import TALKS
from tests.dashboard.visitor import Visitor
from tests.platform import Api, until

PRINTS = """
import sys
print("loading", "x" * 300)
print("no such column", file=sys.stderr)
raise SystemExit(2)
"""

# By a name for pictures. What stands in braces is an id.
PATHS = {
    "run": "/runs/{run}",
    "live": "/runs/{live}",
    "search": "/runs/{run}?search=column",
    "timeline": "/timeline?workspace={workspace}",
    "week": "/timeline?zoom=week&workspace={workspace}",
    "long ago": "/timeline?end=2001-01-01T00:00:00Z",
    "history": "/history/task/{task}",
    "past": "/history/run/{run}?at=1",
    "connections": "/connections",
    "connection": "/connections/{connection}",
    "workspaces": "/workspaces",
    "workspace": "/workspaces/{workspace}",
    "account": "/account",
    "users": "/users",
    "platform": "/platform",
}


async def fill(client: Api) -> dict[str, object]:
    orchestration = await client.ready({"main.py": PRINTS}, "score customers")
    talks = await client.ready({"main.py": TALKS}, "talks")
    task = await client.run(
        orchestration, name="every customer", json={"days": 7, "deep": {"x": 1}}
    )
    await client.run(orchestration, "scheduled", schedule="*/10 * * * *", name="often")
    live = await client.run(talks, name="live")
    (ended,) = await client.ended(task)

    async def begun() -> list[dict[str, str]]:
        return await client.runs(live)

    return {
        "run": ended["run_id"],
        "task": task,
        "live": (await until(begun))[0]["run_id"],
        "workspace": client.workspace,
        "connection": await _connection(client),
    }


async def _connection(client: Api) -> str:
    """In a workspace, and free to be attached to one that has a very long name."""
    long = f"{uuid4()} " * 3
    await client.post("workspaces/create", {"workspace_name": long.strip()})
    body = {"name": f"warehouse {client.workspace}", "type": "POSTGRES", "details": {"a": 1}}
    id = str((await client.post("connections/create", body))["id"])
    attached = {"workspace_id": client.workspace, "connection_id": id}
    await client.post("connections/add_to_workspace", attached)
    return id


@pytest.fixture
def paths(visitor: Visitor) -> dict[str, str]:
    ids = visitor.do(fill)
    return {name: path.format(**ids) for name, path in PATHS.items()}


def test_no_barriers(visitor: Visitor, paths: dict[str, str]) -> None:
    """On any page, in light and dark."""
    page = visitor.page
    for name, path in paths.items():
        page.goto(path)
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)
            assert serious(page) == [], f"{name} in {scheme}"
            visitor.shot(f"{name}-{scheme}")
        page.emulate_media(color_scheme="light")


def test_a_phone_shows_all_without_scrolling_sideways(
    visitor: Visitor, paths: dict[str, str]
) -> None:
    page = visitor.page
    page.set_viewport_size(PHONE)
    for name, path in paths.items():
        page.goto(path)
        width = page.evaluate("document.documentElement.scrollWidth")
        visitor.shot(f"{name}-phone")
        assert width == PHONE["width"], name


def test_all_is_there_without_scripts(visitor: Visitor, paths: dict[str, str]) -> None:
    page = visitor.open(java_script_enabled=False)
    for path in paths.values():
        answer = page.goto(path)
        assert answer is not None
        assert answer.status == 200
    page.goto(paths["run"])
    expect(page.locator(".log li.stderr > span").first).to_have_text("no such column")
    page.get_by_label("Search the log").fill("LOADING")
    page.get_by_label("Search the log").press("Enter")
    expect(page.locator(".log li")).to_have_count(1)
