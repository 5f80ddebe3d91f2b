"""The page of a history: all events of a thing, and how it was after any of them."""

import re

from playwright.sync_api import Page, expect

from tests.dashboard.visitor import HELLO, Visitor
from tests.platform import Api, until


async def paused(client: Api) -> str:
    """A task that has been started and paused, by the scheduler's word."""
    orchestration = await client.ready(HELLO, "prog")
    task = await client.run(orchestration, "scheduled", schedule="0 0 1 1 *", name="yearly")

    async def status(wanted: str) -> None:
        async def so() -> bool:
            return bool((await client.task(task))["status"] == wanted)

        await until(so)

    await status("started")
    await client.post("task/pause", {"id": task, "pause": True})
    await status("paused")
    return task


def field(page: Page, name: str) -> str:
    row = page.locator("section:has(#state-title) .said > div").filter(
        has=page.locator("dt", has_text=re.compile(f"^{name}$"))
    )
    return row.locator("dd").inner_text()


def test_the_state_at_a_past_instant(visitor: Visitor) -> None:
    page = visitor.page
    page.goto(f"/history/task/{visitor.do(paused)}")
    expect(page.locator(".events .what")).to_have_text(
        ["TaskPaused", "TaskPauseRequested", "TaskStarted", "TaskCreated"]
    )
    assert field(page, "status") == "paused"
    page.get_by_role("link", name="TaskStarted").click()
    expect(page.get_by_role("heading", name="State then")).to_be_visible()
    assert field(page, "status") == "started"
    expect(page.locator(".events [aria-current] .what")).to_have_text("TaskStarted")
    assert "status" in page.locator(".changed dt").all_inner_texts()
    page.get_by_label("As of").fill("2020-01-01T00:00:00")
    page.get_by_role("button", name="Show").click()
    expect(page.get_by_text("It did not exist then.")).to_be_visible()
    page.get_by_role("link", name="Now", exact=True).click()
    assert field(page, "status") == "paused"


def test_who_and_why(visitor: Visitor) -> None:
    page = visitor.page
    page.goto(f"/history/task/{visitor.do(paused)}")
    created = page.locator(".events li", has_text="TaskCreated")
    expect(created.locator(".hint").first).to_contain_text(visitor.platform.access["user"])
    started = page.locator(".events li", has_text="TaskStarted")
    expect(started.locator(".hint").first).to_contain_text("by scheduler")
    for entry in (created, started):
        entry.locator("summary").click()
    cause = started.locator("div:has(> dt:text-is('answers event')) code").inner_text()
    assert cause == created.locator("div:has(> dt:text-is('event')) code").inner_text()
    visitor.shot("history")


def test_an_instant_that_is_none_is_said_to_be(visitor: Visitor) -> None:
    page = visitor.page
    page.goto(f"/history/workspace/{visitor.workspace}?at=yesterday")
    expect(page.get_by_role("alert")).to_contain_text("at: ")
    assert field(page, "id") == str(visitor.workspace)
    expect(page.locator(".said", has_text="members").last).to_contain_text(
        f"{visitor.platform.access['user']}: owner"
    )
