"""The list of workloads: finding them, and uploading another one."""

import re
import time
from pathlib import Path
from urllib.request import urlopen

import pytest
from playwright.sync_api import Page, expect

from tests.dashboard.visitor import HELLO, PATIENCE, Visitor, ready
from tests.platform import Api, Platform, archive

MORE_THAN_A_PAGE = 51


def names(page: Page) -> list[str]:
    return page.locator("tbody .name").all_inner_texts()


def test_found_by_name_as_one_types(visitor: Visitor, page: Page) -> None:
    visitor.do(ready(HELLO, "churn"))
    visitor.do(ready(HELLO, "prices"))
    page.reload()
    assert names(page) == ["prices", "churn"]
    page.get_by_label("Search by name").type("CHU")
    expect(page.locator("tbody .name")).to_have_text(["churn"])
    expect(page).to_have_url(re.compile(r"/workloads\?search=CHU$"))  # two letters found it too
    page.reload()
    assert names(page) == ["churn"]
    page.get_by_label("Search by name").fill("nothing like it")
    expect(page.get_by_role("heading", name="Nothing like that")).to_be_visible()


def test_filtered_by_status(visitor: Visitor, page: Page) -> None:
    async def fill(client: Api) -> None:
        await client.ready(HELLO, "idle")
        daily = await client.ready(HELLO, "daily")
        await client.run(daily, "scheduled", schedule="0 0 * * *")
        await client.upload({"main.py": "", "requirements.txt": "no-such-thing==1"}, "broken")

    visitor.do(fill)
    page.reload()
    expect(page.locator("tbody .badge.bad")).to_have_text("Error")
    for label, name in [
        ("Only active", "daily"),
        ("Only inactive", "idle"),
        ("Only error", "broken"),
    ]:
        page.get_by_label("Status", exact=True).select_option(label)
        expect(page.locator("tbody .name")).to_have_text([name])
    page.get_by_label("Status", exact=True).select_option("All")
    expect(page.locator("tbody .name")).to_have_text(["broken", "daily", "idle"])
    visitor.shot("list")


def test_a_page_at_a_time(visitor: Visitor, page: Page) -> None:
    async def many(client: Api) -> None:
        for number in range(MORE_THAN_A_PAGE):
            await client.upload(HELLO, f"number {number}")

    visitor.do(many)
    page.reload()
    assert len(names(page)) == MORE_THAN_A_PAGE - 1
    assert names(page)[0] == f"number {MORE_THAN_A_PAGE - 1}"
    page.get_by_role("link", name="Older").click()
    expect(page.locator("tbody .name")).to_have_text(["number 0"])
    expect(page.get_by_role("link", name="Older")).to_have_count(0)
    page.get_by_role("link", name="Newest").click()
    expect(page.locator("tbody .name")).to_have_count(MORE_THAN_A_PAGE - 1)


def test_an_upload_by_somebody_else_appears_by_itself(visitor: Visitor, page: Page) -> None:
    expect(page.get_by_role("heading", name="No workloads yet")).to_be_visible()
    expect(page.locator("main[data-listening]")).to_be_visible()
    visitor.do(ready(HELLO, "from a program"))
    expect(page.locator("tbody .name")).to_have_text(["from a program"])


def test_a_page_outlives_the_api(visitor: Visitor, page: Page) -> None:
    expect(page.locator("main[data-listening]")).to_be_visible()
    before = visitor.platform.pid("api")
    visitor.platform.signal("api")
    deadline = time.monotonic() + PATIENCE / 1000
    while visitor.platform.pid("api") in (before, None) or not is_ready(visitor.platform):
        assert time.monotonic() < deadline
        time.sleep(0.1)
    visitor.do(ready(HELLO, "made after that"))
    expect(page.locator("tbody .name")).to_have_text(["made after that"])


def is_ready(platform: Platform) -> bool:
    try:
        with urlopen(platform.access["url"] + "/readyz") as answer:  # noqa: S310 - our own address
            return bool(answer.status == 200)
    except OSError:
        return False


def test_upload_with_a_name(visitor: Visitor, page: Page, tmp_path: Path) -> None:
    path = tmp_path / "first.zip"
    path.write_bytes(archive(HELLO))
    page.locator("summary", has_text="Upload").click()
    page.locator(".drop").get_by_label("Name").fill("My first")
    page.get_by_label("ZIP archive").set_input_files(path)
    page.get_by_role("button", name="Upload").click()
    expect(page.get_by_role("heading", name="My first")).to_be_visible()
    expect(page.locator(".steps .done")).to_have_text(["Uploaded", "Packaging", "Ready"])
    expect(page.get_by_text("first.zip")).to_be_visible()


def test_a_file_is_dropped_anywhere_on_the_page(visitor: Visitor, page: Page) -> None:
    content = list(archive(HELLO))
    dropped = page.evaluate_handle(
        """content => {
            const dropped = new DataTransfer();
            dropped.items.add(new File([new Uint8Array(content)], "dropped.zip"));
            return dropped;
        }""",
        content,
    )
    page.dispatch_event("body", "dragover", {"dataTransfer": dropped})
    expect(page.locator(".drop.over")).to_be_visible()
    page.dispatch_event("body", "drop", {"dataTransfer": dropped})
    expect(page.get_by_role("heading", name="dropped.zip")).to_be_visible()


def test_an_upload_shows_how_far_it_is(visitor: Visitor, page: Page, tmp_path: Path) -> None:
    path = tmp_path / "large.zip"
    path.write_bytes(archive({**HELLO, "large.bin": "x"}) + bytes(8 << 20))
    page.evaluate(
        """() => {
            window.seen = [];
            const bar = document.querySelector("progress");
            new MutationObserver(() => bar.hidden || window.seen.push(bar.value)).observe(bar, {
                attributes: true,
            });
        }"""
    )
    page.locator("summary", has_text="Upload").click()
    page.get_by_label("ZIP archive").set_input_files(path)
    page.get_by_role("button", name="Upload").click()
    # What follows the archive's end is no ZIP, so the platform refuses it and says so.
    expect(page.get_by_role("alert")).to_be_visible()
    seen = page.evaluate("window.seen")
    assert seen == sorted(seen)
    assert seen[-1] == 100


def test_what_is_too_large_is_not_even_sent(visitor: Visitor, page: Page, tmp_path: Path) -> None:
    path = tmp_path / "large.zip"
    path.write_bytes(bytes(2000))
    page.locator("summary", has_text="Upload").click()
    page.evaluate("document.querySelector('.drop').dataset.most = 1999")
    page.get_by_label("ZIP archive").set_input_files(path)
    page.get_by_role("button", name="Upload").click()
    expect(page.get_by_role("alert")).to_have_text("This file has more than 1.0 GiB.")


@pytest.mark.parametrize("scripts", [True, False])
def test_what_can_never_run_is_refused_with_the_reason(
    visitor: Visitor, page: Page, tmp_path: Path, scripts: bool
) -> None:
    path = tmp_path / "no.zip"
    path.write_bytes(archive({"readme.txt": "no program"}))
    if not scripts:
        page = visitor.open(java_script_enabled=False)
        page.goto(f"/workloads?workspace={visitor.workspace}")
    page.locator("summary", has_text="Upload").click()
    page.get_by_label("ZIP archive").set_input_files(path)
    page.get_by_role("button", name="Upload").click()
    expect(page.get_by_role("alert")).to_contain_text(re.compile("main.py|entrypoint"))


def test_upload_without_scripts(visitor: Visitor, tmp_path: Path) -> None:
    path = tmp_path / "plain.zip"
    path.write_bytes(archive(HELLO))
    page = visitor.open(java_script_enabled=False)
    page.goto(f"/workloads?workspace={visitor.workspace}")
    page.locator("summary", has_text="Upload").click()
    page.get_by_label("ZIP archive").set_input_files(path)
    page.get_by_role("button", name="Upload").click()
    expect(page.get_by_role("heading", name="plain.zip")).to_be_visible()
