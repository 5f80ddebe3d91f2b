"""One workload's page: packaging as it happens, its tasks, their runs, its archive."""

import re
import zipfile
from pathlib import Path

from playwright.sync_api import Page, expect

from tests.dashboard.visitor import HELLO, Visitor, ready
from tests.platform import Api

ENDS_WITH = {"main.py": "import json, sys\nsys.exit(json.load(open('arguments.json'))['code'])"}


def test_packaging_that_fails_is_seen_live_with_its_error(visitor: Visitor, page: Page) -> None:
    async def broken(client: Api) -> str:
        files = {"main.py": "", "requirements.txt": "no-such-distribution-anywhere==1"}
        return await client.upload(files, "broken")

    page.goto(f"/workloads/{visitor.do(broken)}")
    expect(page.get_by_role("heading", name="Packaging failed")).to_be_visible()
    expect(page.locator("pre.problem")).to_contain_text("no-such-distribution-anywhere")
    expect(page.locator(".steps li")).to_have_text(["Uploaded", "Packaging", "Failed"])
    expect(page.get_by_role("link", name="Create task")).to_have_count(0)
    visitor.shot("failed")


def test_what_was_uploaded_can_be_had_back(visitor: Visitor, page: Page, tmp_path: Path) -> None:
    page.goto(f"/workloads/{visitor.do(ready(HELLO, 'kept'))}")
    expect(page.get_by_text("kept.zip")).to_be_visible()
    with page.expect_download() as download:
        page.get_by_role("link", name="Download").click()
    assert download.value.suggested_filename == "kept.zip"
    download.value.save_as(tmp_path / "kept.zip")
    with zipfile.ZipFile(tmp_path / "kept.zip") as archive:
        assert archive.read("main.py").decode() == HELLO["main.py"]


def test_tasks_with_their_last_and_next_run(visitor: Visitor, page: Page) -> None:
    async def fill(client: Api) -> str:
        orchestration = await client.ready(HELLO, "features")
        once = await client.run(orchestration, name="backfill")
        await client.ended(once)
        await client.run(
            orchestration, "scheduled", name="yearly", schedule="30 4 1 1 *", zone="Europe/Berlin"
        )
        return orchestration

    page.goto(f"/workloads/{visitor.do(fill)}")
    yearly, backfill = page.locator("tbody tr").all()
    expect(backfill.get_by_role("img", name="Run once")).to_be_visible()
    expect(backfill.locator(".badge")).to_have_text(["Done", "Success"])
    expect(backfill.get_by_role("link", name="Stop")).to_have_count(0)
    expect(yearly.get_by_role("img", name="Run on a schedule")).to_be_visible()
    expect(yearly.locator("[data-label='Next run']")).to_contain_text("1 Jan")
    expect(yearly.locator("[data-label='Next run']")).to_contain_text("04:30:00")
    visitor.shot("tasks")


def test_task_runs_by_status(visitor: Visitor, page: Page) -> None:
    async def fill(client: Api) -> str:
        orchestration = await client.ready(ENDS_WITH, "codes")
        for code in (0, 1, 0):
            task = await client.run(orchestration, name=f"code {code}", json={"code": code})
            await client.ended(task)
        return orchestration

    page.goto(f"/workloads/{visitor.do(fill)}")
    page.get_by_role("link", name="Task Runs").click()
    expect(page.locator("tbody .badge")).to_have_text(["Success", "Failure", "Success"])
    expect(page.locator("[data-label='Duration']").first).to_contain_text("s")
    page.get_by_label("Status", exact=True).select_option("Failure")
    expect(page.locator("tbody .badge")).to_have_text(["Failure"])
    expect(page.locator("tbody .name")).to_have_text(["code 1"])
    page.get_by_label("Status", exact=True).select_option("Timed_out")
    expect(page.get_by_role("heading", name="No such runs")).to_be_visible()
    page.get_by_label("Status", exact=True).select_option("All runs")
    run = page.locator("tbody tr").first
    run.get_by_role("link", name="Log of run").click()
    expect(page).to_have_url(re.compile(r"/runs/[0-9a-f-]{36}$"))
