"""Pages are for everybody: by keyboard, on a phone, in the dark, with a screen reader."""

import re

import pytest
from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]
from playwright.sync_api import Page, ViewportSize, expect

from tests.dashboard.visitor import Visitor
from tests.platform import Api

PHONE: ViewportSize = {"width": 390, "height": 844}
FAILS = {"main.py": "raise SystemExit('no model to score with')"}
BROKEN = {"main.py": "", "requirements.txt": "no-such-distribution-anywhere==1"}

# By a name for pictures. What stands in braces is an id.
PATHS = {
    "workloads": "/workloads",
    "nothing": "/workloads?search=nothing",
    "tasks": "/workloads/{workload}",
    "runs": "/workloads/{workload}?tab=runs",
    "broken": "/workloads/{broken}",
    "new": "/workloads/{workload}/tasks/new",
    "task": "/tasks/{task}",
    "stop": "/tasks/{task}/stop",
    "missing": "/tasks/none",
}


async def fill(client: Api) -> dict[str, str]:
    workload = await client.ready(FAILS, "score customers")
    broken = await client.upload(BROKEN, "broken")
    task = await client.run(
        workload, "scheduled", name="every weekday", schedule="0 6 * * 1-5", json={"days": 7}
    )
    await client.ended(await client.run(workload, name="now"))
    await client.ended(await client.run(workload, name="once more"))
    return {"workload": workload, "broken": broken, "task": task}


@pytest.fixture
def paths(visitor: Visitor) -> dict[str, str]:
    ids = visitor.do(fill)
    return {name: path.format(**ids) for name, path in PATHS.items()}


def shown(visitor: Visitor, paths: dict[str, str], name: str) -> Page:
    visitor.page.goto(paths["workloads"] + f"?workspace={visitor.workspace}")
    visitor.page.goto(paths[name])
    if name == "new":
        visitor.page.get_by_label("Run recurringly").check()
        expect(visitor.page.locator(".instants li")).to_have_count(5)
    if name == "broken":
        expect(visitor.page.locator("pre.problem")).to_be_visible()
    return visitor.page


def serious(page: Page) -> list[str]:
    """What axe finds that keeps people out."""
    found = Axe().run(page).response["violations"]
    return [
        f"{one['id']}: {one['help']}: {[node['html'] for node in one['nodes']]}"
        for one in found
        if one["impact"] in ("serious", "critical")
    ]


def test_no_barriers(visitor: Visitor, paths: dict[str, str]) -> None:
    """On any page, in light and dark."""
    for name in paths:
        page = shown(visitor, paths, name)
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)
            assert serious(page) == [], f"{name} in {scheme}"
            visitor.shot(f"{name}-{scheme}")
        page.emulate_media(color_scheme="light")


def test_no_barriers_at_the_door(visitor: Visitor) -> None:
    page = visitor.open(storage_state=None)
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        page.goto("/signin")
        assert serious(page) == []


def test_a_phone_shows_all_without_scrolling_sideways(
    visitor: Visitor, paths: dict[str, str]
) -> None:
    visitor.page.set_viewport_size(PHONE)
    for name in paths:
        page = shown(visitor, paths, name)
        width = page.evaluate("document.documentElement.scrollWidth")
        visitor.shot(f"{name}-phone")
        assert width == PHONE["width"], name


def test_from_the_door_to_a_run_by_keyboard_alone(visitor: Visitor, paths: dict[str, str]) -> None:
    page = visitor.open(storage_state=None)
    page.goto(f"/workloads?workspace={visitor.workspace}")
    keys = page.keyboard
    keys.type(visitor.platform.access["user"])  # the field has the focus already
    keys.press("Tab")
    keys.type(visitor.platform.access["password"])
    keys.press("Enter")
    page.wait_for_url(re.compile(r"/workloads\?workspace="))
    keys.press("Tab")
    expect(page.get_by_text("To the content")).to_be_focused()
    keys.press("Enter")
    reach(page, "score customers")
    keys.press("Enter")
    expect(page.get_by_role("heading", name="score customers")).to_be_visible()
    reach(page, "Create task")
    keys.press("Enter")
    expect(page.get_by_role("heading", name="Create a task")).to_be_visible()
    page.locator("main").focus()
    reach(page, "optional")
    keys.type("by keyboard")
    keys.press("Enter")
    expect(page.get_by_role("heading", name="by keyboard")).to_be_visible()
    expect(page.locator("tbody .badge")).to_have_text("Failure")


def reach(page: Page, text: str) -> None:
    """Tabs until something of that text, or within such a label, has the focus."""
    for _ in range(40):
        page.keyboard.press("Tab")
        said = page.evaluate(
            "(document.activeElement.closest('label') ?? document.activeElement).textContent"
        )
        if text in said:
            return
    raise AssertionError(f"{text} can't be reached")


def test_menus_by_keyboard(visitor: Visitor, page: Page) -> None:
    mine = page.locator("details.menu.right")
    mine.locator("summary").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Sign out")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("button", name="Sign out")).to_be_hidden()
    expect(mine.locator("summary")).to_be_focused()


def test_dark_is_chosen_and_kept(visitor: Visitor, page: Page) -> None:
    def ground() -> str:
        return str(page.evaluate("getComputedStyle(document.body).backgroundColor"))

    light = ground()
    page.get_by_role("button", name="Colours").click()
    expect(page.get_by_role("button", name="Colours: dark")).to_be_visible()
    dark = ground()
    assert dark != light
    page.goto("/workloads?search=x")
    assert ground() == dark
    page.get_by_role("button", name="Colours").click()
    expect(page.get_by_role("button", name="Colours: light")).to_be_visible()
    assert ground() == light


def test_focus_stays_while_the_page_lives(visitor: Visitor, page: Page) -> None:
    async def second(client: Api) -> str:
        return await client.ready(FAILS, "second")

    visitor.do(fill)
    page.reload()
    expect(page.locator("main[data-listening]")).to_be_visible()
    link = page.get_by_role("link", name="score customers")
    link.focus()
    visitor.do(second)
    expect(page.get_by_role("link", name="second")).to_be_visible()
    expect(link).to_be_focused()
