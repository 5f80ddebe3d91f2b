"""Creating tasks, seeing what they do, pausing, resuming and stopping them."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.dashboard.visitor import HELLO, Visitor, ready
from tests.platform import Api

FOREVER = {"main.py": "import time\nprint('begun', flush=True)\ntime.sleep(600)"}


def new_task(visitor: Visitor, page: Page, files: dict[str, str] = HELLO) -> str:
    """The form, for a workload that is ready; gives its id."""
    id = visitor.do(ready(files, "workload"))
    page.goto(f"/workloads/{id}")
    page.get_by_role("link", name="Create task").click()
    expect(page.get_by_role("heading", name="Create a task")).to_be_visible()
    return id


def create(page: Page) -> None:
    page.get_by_role("button", name="Create task").last.click()
    page.wait_for_url(re.compile(r"/tasks/[0-9a-f-]{36}$"))


async def newest(client: Api) -> dict[str, object]:
    listed = await client.post("task/list", {"workspace_id": client.workspace})
    return dict(listed[0])


def test_run_immediately_with_arguments(visitor: Visitor, page: Page) -> None:
    new_task(visitor, page)
    page.get_by_label("Name").fill("backfill")
    page.get_by_label("Arguments").fill('{"days": 7}')
    page.get_by_label("Timeout").fill("60")
    visitor.shot("form")
    create(page)
    expect(page.get_by_role("heading", name="backfill")).to_be_visible()
    expect(page.locator("tbody .badge")).to_have_text("Success")
    expect(page.locator("[data-part='state'] .badge")).to_have_text("Done")
    expect(page.get_by_text('"days": 7')).to_be_visible()
    task = visitor.do(newest)
    assert task["kind"] == "once"
    assert task["input_data"] == {"days": 7}
    assert task["timeout"] == 60


def test_run_recurringly_by_choosing(visitor: Visitor, page: Page) -> None:
    new_task(visitor, page)
    page.get_by_label("Run recurringly").check()
    for month in ("Jan", "Mar", "May"):
        page.locator(".chips.months").get_by_text(month, exact=True).click()
    for day in ("1", "15"):
        page.locator(".chips.days").get_by_text(day, exact=True).click()
    page.get_by_role("textbox", name="Times").fill("20:00")
    page.get_by_label("Time zone").fill("America/New_York")
    expect(page.locator(".instants li")).to_have_count(5)
    expect(page.locator(".instants li").first).to_contain_text("20:00 E")
    visitor.shot("form")
    create(page)
    task = visitor.do(newest)
    assert task["schedule"] == "0 20 1,15 1,3,5 *"
    assert task["zone"] == "America/New_York"
    expect(page.locator("[data-part='upcoming'] li")).to_have_count(5)
    visitor.shot("task")


def test_run_recurringly_by_a_cron_line_with_policies(visitor: Visitor, page: Page) -> None:
    new_task(visitor, page)
    page.get_by_label("Run recurringly").check()
    page.get_by_label("Write a cron line").check()
    cron = page.get_by_role("textbox", name="Cron line")
    cron.fill("61 * * * *")
    expect(page.locator("[data-preview]")).to_contain_text("is no minute")
    cron.fill("0 6 * * 1-5")
    expect(page.locator(".instants li")).to_have_count(5)
    expect(page.locator(".instants li").first).to_contain_text("06:00 CE")  # the browser's zone
    page.get_by_text("Advanced").click()
    page.get_by_label("Tries in all").fill("3")
    page.get_by_label("Seconds before the second try").fill("2.5")
    page.get_by_label("Start runs").select_option("In a new interpreter")
    page.get_by_label("Ticks that were missed").select_option("Run all")
    page.get_by_label("At most").fill("7")
    page.get_by_label("While a run is still open").select_option("Wait for its end")
    create(page)
    task = visitor.do(newest)
    assert task["schedule"] == "0 6 * * 1-5"
    assert task["zone"] == "Europe/Berlin"
    assert (task["misfire"], task["misfire_cap"], task["overlap"]) == ("all", 7, "queue")
    assert task["retry"] == {"attempts": 3, "backoff": 2.5}
    expect(page.get_by_text("In a new interpreter")).to_be_visible()


def test_a_preview_that_can_not_be_had_keeps_nobody_from_creating(
    visitor: Visitor, page: Page
) -> None:
    """The platform is away for a moment, or the page is left meanwhile."""
    new_task(visitor, page)
    page.route("**/schedule?*", lambda route: route.abort())
    with page.expect_event("requestfailed"):
        page.get_by_label("Name").fill("in a hurry")
    create(page)
    expect(page.get_by_role("heading", name="in a hurry")).to_be_visible()


def test_run_indefinitely_until_it_is_stopped(visitor: Visitor, page: Page) -> None:
    new_task(visitor, page, FOREVER)
    page.get_by_label("Run indefinitely").check()
    create(page)
    expect(page.locator("tbody .badge")).to_have_text("Running")
    page.get_by_role("link", name="Stop").click()
    expect(page.get_by_role("heading", name="Stop “")).to_be_visible()
    visitor.shot("ask")
    page.get_by_role("button", name="Stop the task").click()
    expect(page.locator("[data-part='state'] .badge")).to_have_text("Killed")
    expect(page.locator("tbody .badge")).to_have_text("Killed")
    expect(page.get_by_role("link", name="Stop")).to_have_count(0)


def test_arguments_that_are_no_json_object(visitor: Visitor, page: Page) -> None:
    new_task(visitor, page)
    field = page.get_by_label("Arguments")
    field.fill('{"days": ')
    expect(page.locator("[data-json]")).to_contain_text("not JSON")
    expect(field).to_have_attribute("aria-invalid", "true")
    field.fill("[7]")
    expect(page.locator("[data-json]")).to_contain_text("not an object")
    field.fill('{"days": 7}')
    expect(page.locator("[data-json]")).to_have_text("")
    create(page)


@pytest.mark.parametrize(
    ("field", "typed", "said"),
    [
        ("json", "[7]", "JSON object"),
        ("timeout", "soon", "no number"),
        ("timeout", "0", "seconds"),
        ("times", "08:00, 20:30", "One schedule can't have just these"),
        ("times", "25:00", "no time of day"),
        ("zone", "Mars/Olympus", "no IANA time zone"),
    ],
)
def test_the_server_says_what_is_wrong_and_keeps_what_was_typed(
    visitor: Visitor, field: str, typed: str, said: str
) -> None:
    id = visitor.do(ready(HELLO, "workload"))
    page = visitor.open(java_script_enabled=False)
    page.goto(f"/workloads/{id}/tasks/new")
    page.get_by_label("Name").fill("kept")
    page.get_by_label("Run recurringly").check()
    page.locator(f"[name={field}]").fill(typed)
    page.get_by_role("button", name="Create task").last.click()
    expect(page.get_by_role("alert")).to_contain_text(said)
    expect(page.locator(f"[name={field}]")).to_have_value(typed)
    expect(page.locator(f"[name={field}]")).to_have_attribute("aria-invalid", "true")
    expect(page.get_by_label("Name")).to_have_value("kept")
    expect(page.get_by_label("Run recurringly")).to_be_checked()


def test_preview_and_creation_without_scripts(visitor: Visitor) -> None:
    id = visitor.do(ready(HELLO, "workload"))
    page = visitor.open(java_script_enabled=False)
    page.goto(f"/workloads/{id}/tasks/new")
    page.get_by_label("Run recurringly").check()
    page.get_by_label("Write a cron line").check()
    page.locator("[name=cron]").fill("@hourly")
    page.get_by_role("button", name="Show the next runs").click()
    expect(page.locator(".instants li")).to_have_count(5)
    create(page)
    assert visitor.do(newest)["schedule"] == "@hourly"


def test_paused_and_resumed(visitor: Visitor, page: Page) -> None:
    async def hourly(client: Api) -> str:
        orchestration = await client.ready(HELLO, "workload")
        await client.run(orchestration, "scheduled", name="hourly", schedule="0 * * * *")
        return orchestration

    page.goto(f"/workloads/{visitor.do(hourly)}")
    page.get_by_role("button", name="Pause hourly").click()
    expect(page.locator("tbody .badge")).to_have_text("Paused")
    expect(page.locator("[data-label='Next run'] .none")).to_be_visible()
    page.get_by_role("button", name="Resume hourly").click()
    expect(page.locator("tbody .badge")).to_have_text("Active")
    expect(page.locator("[data-label='Next run'] time")).to_be_visible()


def test_runs_of_a_task_appear_as_they_happen(visitor: Visitor, page: Page) -> None:
    async def every_second(client: Api) -> str:
        orchestration = await client.ready(HELLO, "workload")
        return await client.run(orchestration, "scheduled", schedule="* * * * * *")

    page.goto(f"/tasks/{visitor.do(every_second)}")
    expect(page.locator("main[data-listening]")).to_be_visible()
    before = page.locator("tbody tr").count()
    expect(page.locator("tbody tr")).not_to_have_count(before)
