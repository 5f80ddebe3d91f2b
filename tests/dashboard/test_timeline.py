"""The timeline's page: lanes of runs, near and far, and what is to come."""

import re

from playwright.sync_api import expect

from libs.domain.events import RunFinished, RunRequested
from services.api.dashboard.chart import RUNS
from services.api.timeline.queries import MAX_BARS
from tests.dashboard.visitor import HELLO, Visitor
from tests.platform import Api, until


async def filled(client: Api) -> dict[str, str]:
    """Tasks by their names: one went well, one did not, one is to come."""
    good = await client.ready(HELLO, "good")
    bad = await client.ready({"main.py": "raise SystemExit(3)"}, "bad")
    tasks = {
        "went well": await client.run(good, name="went well"),
        "went wrong": await client.run(bad, name="went wrong"),
        "each second": await client.run(good, "scheduled", schedule="* * * * * *", name="secondly"),
        "nightly": await client.run(good, "scheduled", schedule="0 * * * *", name="hourly"),
    }
    await client.ended(tasks["went well"])
    await client.ended(tasks["went wrong"])
    await client.post("task/pause", {"id": tasks["each second"], "pause": True})
    return tasks


def test_lanes_show_what_ran_and_what_is_to_come(visitor: Visitor) -> None:
    page = visitor.page
    tasks = visitor.do(filled)
    page.goto(f"/timeline?zoom=day&workspace={visitor.workspace}")
    lane = page.locator(".lane", has_text="went well")
    expect(lane.locator("rect.s-success")).to_have_count(1)
    expect(page.locator(".lane", has_text="went wrong").locator("rect.s-failure")).to_have_count(1)
    expect(page.locator(".lane", has_text="went wrong")).to_contain_text("1 failed")
    expect(page.locator(".lane", has_text="hourly").locator("rect.to-come").first).to_be_visible()
    visitor.shot("day")
    lane.get_by_role("link", name=re.compile("^Success")).click()
    page.wait_for_url(re.compile("/runs/"))
    page.go_back()
    lane.get_by_role("link", name="Last runs of went well").click()
    expect(page.locator("#chart-title")).to_contain_text("went well")
    expect(page.locator(".chart .facts")).to_contain_text("100.0 % of 1")
    expect(page.locator(".columns rect")).to_have_count(1)
    page.locator(".chart h2 a").click()
    page.wait_for_url(re.compile(f"/tasks/{tasks['went well']}"))


def test_zoom_and_time_by_links(visitor: Visitor) -> None:
    page = visitor.page
    visitor.do(filled)
    page.goto(f"/timeline?workspace={visitor.workspace}")
    expect(page.locator(".zooms [aria-current]")).to_have_text("Hour")
    assert page.locator(".lane:not(.axis)").count() > 0
    page.get_by_role("link", name="Earlier").click()
    expect(page.get_by_role("heading", name="Nothing ran")).to_be_visible()
    page.get_by_role("link", name="Later").click()
    expect(page.locator(".lane", has_text="went well")).to_be_visible()
    page.get_by_role("link", name="Week").click()
    expect(page.locator(".ticks > *")).to_have_count(7)
    expect(page.locator(".lane", has_text="went well")).to_be_visible()


def test_a_lane_with_many_runs_is_drawn_by_their_number(visitor: Visitor) -> None:
    page = visitor.page

    async def many(client: Api) -> int:
        orchestration = await client.ready(HELLO, "prog")
        task = await client.run(orchestration, "continuously", name="again and again")
        await client.ended(task, MAX_BARS + 1)
        await client.post("task/pause", {"id": task, "pause": True})

        async def all_of_them() -> int:
            """A run that was asked for before the pause still comes."""
            if (await client.task(task))["status"] != "paused":
                return 0
            facts = await visitor.platform.events()
            mine = [fact.event for fact in facts if fact.stream.workspace == client.workspace]
            asked = sum(isinstance(event, RunRequested) for event in mine)
            return asked if asked == sum(isinstance(event, RunFinished) for event in mine) else 0

        return await until(all_of_them)

    count = visitor.do(many)
    page.goto(f"/timeline?workspace={visitor.workspace}")
    lane = page.locator(".lane", has_text="again and again")
    expect(lane).to_contain_text(f"{count} runs")
    expect(lane.locator("path.s-success")).to_have_count(1)
    expect(lane.locator("rect.s-success")).to_have_count(0)
    expect(page.locator(".columns rect.s-success")).to_have_count(min(count, RUNS))
    visitor.shot("many")
