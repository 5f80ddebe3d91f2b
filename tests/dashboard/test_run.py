"""The page of a run: its log, live and searched, how it went, and what led to it."""

import re
import socket
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.dashboard.visitor import HELLO, Visitor
from tests.platform import Api, until

LONG = 1234
TALKS = """
import sys, time
for number in range(10_000):
    print("line", number, flush=True)
    if number == 2:
        print("to stderr", file=sys.stderr, flush=True)
    time.sleep(0.05)
"""
PRINTS = f"""
import sys
for number in range({LONG}):
    print(f"row {{number}}")
print("<b>no markup</b> \\x1b[31mnor colours", file=sys.stderr)
"""
WAITS = """
import socket
print("begun", flush=True)
socket.create_connection({}).recv(1)
print("over")
"""
DRAWS = """
import sys, time
print("begun")
for number in range(600):
    sys.stderr.write(f"\\rstep {number}")
    time.sleep(0.1)
"""
FAILS = "print('loading')\nraise RuntimeError('no rows')"

Run = Callable[[Api], Awaitable[tuple[str, str]]]


def started(main: str, **more: Any) -> Run:
    """The task and its run, once that has begun."""

    async def run(client: Api) -> tuple[str, str]:
        orchestration = await client.ready({"main.py": main}, "prog")
        task = await client.run(orchestration, **more)

        async def begun() -> list[dict[str, str]]:
            return await client.runs(task)

        return task, (await until(begun))[0]["run_id"]

    return run


def ended(main: str, **more: Any) -> Run:
    async def run(client: Api) -> tuple[str, str]:
        task, id = await started(main, **more)(client)
        await client.ended(task)
        return task, id

    return run


def lines(page: Page) -> list[str]:
    return page.locator(".log li > span").all_inner_texts()


def test_a_live_log_is_followed_until_the_run_is_stopped(visitor: Visitor) -> None:
    page = visitor.page
    _, run = visitor.do(started(TALKS))
    page.goto(f"/runs/{run}")
    expect(page.locator(".head .badge")).to_have_text("Running")
    seen = page.locator(".log li").count()
    expect(page.locator(f"#L{seen + 20}")).to_be_visible()
    numbers = [int(text) for text in page.locator(".log li > a").all_inner_texts()]
    assert numbers == list(range(1, len(numbers) + 1))
    expect(page.locator(".log li.stderr > span")).to_have_text("to stderr")
    visitor.shot("live")
    page.get_by_role("button", name="Stop the task").click()
    expect(page.locator(".head .badge")).to_have_text("Killed")
    expect(page.locator(".ending")).to_contain_text("killed its task")
    expect(page.get_by_role("button", name="Run again")).to_be_visible()
    assert lines(page)[:3] == ["line 0", "line 1", "line 2"]


def test_a_bar_is_one_row_that_is_drawn_anew(visitor: Visitor) -> None:
    page = visitor.page
    _, run = visitor.do(started(DRAWS))
    page.goto(f"/runs/{run}")
    bar = page.locator(".log li.stderr > span")
    for _ in range(2):  # also where the page begins with a state of it
        expect(bar).to_have_text(re.compile(r"step \d+"))
        before = bar.inner_text()
        for _ in range(2):
            expect(bar).not_to_have_text(before)
            before = bar.inner_text()
            expect(page.locator(".log li")).to_have_count(2)
        page.reload()
    page.get_by_role("button", name="Stop the task").click()
    expect(page.locator(".head .badge")).to_have_text("Killed")


def test_logs_that_were_not_kept_are_said_to_be_gone(visitor: Visitor) -> None:
    page = visitor.page
    _, run = visitor.do(started(TALKS))
    page.goto(f"/runs/{run}")
    expect(page.locator("#L3")).to_be_visible()
    page.get_by_label("keep the logs").uncheck()
    page.get_by_role("button", name="Stop the task").click()
    expect(page.locator(".head .badge")).to_have_text("Killed")

    async def gone(client: Api) -> None:
        async def nothing() -> bool:
            return not (await client.log(run))["logs"]

        await until(nothing)

    visitor.do(gone)
    page.reload()
    expect(page.get_by_text(re.compile(r"(\d+) of \1 lines are kept no more"))).to_be_visible()
    expect(page.locator(".log li")).to_have_count(0)


def test_the_end_of_a_run_appears_by_itself(visitor: Visitor) -> None:
    page = visitor.page
    with socket.create_server(("127.0.0.1", 0)) as door:
        _, run = visitor.do(started(WAITS.format(door.getsockname())))
        page.goto(f"/runs/{run}")
        expect(page.locator(".head .badge")).to_have_text("Running")
        door.accept()[0].close()
    expect(page.locator(".head .badge")).to_have_text("Success")
    expect(page.locator(".log li > span")).to_have_text(["begun", "over"])
    expect(page.locator(".hop-names")).to_contain_text("First line")
    expect(page.locator(".chain .what").last).to_have_text("RunFinished")


def test_a_huge_log_is_shown_a_part_at_a_time(visitor: Visitor) -> None:
    page = visitor.page
    _, run = visitor.do(ended(PRINTS))
    page.goto(f"/runs/{run}")
    assert lines(page)[-2:] == [f"row {LONG - 1}", "<b>no markup</b> nor colours"]
    assert len(lines(page)) == 500
    page.get_by_role("link", name="Earlier lines").click()
    expect(page.locator(".log li > span").last).to_have_text("row 734")
    expect(page.get_by_role("link", name="Later lines")).to_be_visible()
    page.goto(f"/runs/{run}?from=1")
    assert lines(page)[0] == "row 0"
    expect(page.get_by_role("link", name="Earlier lines")).to_have_count(0)
    page.get_by_role("link", name="Later lines").click()
    expect(page.locator(".log li > span").first).to_have_text("row 500")


def test_a_link_to_a_line_shows_it(visitor: Visitor) -> None:
    page = visitor.page
    _, run = visitor.do(ended(PRINTS))
    page.goto(f"/runs/{run}#L120")
    expect(page.locator("#L120:target")).to_be_in_viewport()
    page.locator("#L121 > a").click()
    expect(page.locator("#L121:target")).to_be_visible()
    assert page.url.endswith("#L121")
    plain = visitor.open(java_script_enabled=False)
    plain.goto(f"/runs/{run}?line=300#L300")
    expect(plain.locator("#L300:target")).to_be_in_viewport()


def test_searched(visitor: Visitor) -> None:
    page = visitor.page
    _, run = visitor.do(ended(PRINTS))
    page.goto(f"/runs/{run}")
    page.get_by_label("Search the log").fill("ROW 100")
    page.get_by_label("Search the log").press("Enter")
    expect(page.locator(".log li > span")).to_have_text(
        ["row 100", *(f"row {number}" for number in range(1000, 1010))]
    )
    page.locator(".log li > a").first.click()
    expect(page.locator("#L101:target")).to_be_in_viewport()
    expect(page.locator("#L102 > span")).to_have_text("row 101")
    page.goto(f"/runs/{run}?search=nowhere")
    expect(page.get_by_text("No line holds this.")).to_be_visible()


def test_downloaded(visitor: Visitor) -> None:
    page = visitor.page
    _, run = visitor.do(ended(PRINTS))
    page.goto(f"/runs/{run}")
    with page.expect_download() as download:
        page.get_by_role("link", name="Download").click()
    kept = download.value.path().read_text().splitlines()
    assert len(kept) == LONG + 1
    assert kept[0].endswith(" stdout F row 0")


def test_a_failure_is_explained(visitor: Visitor) -> None:
    page = visitor.page
    _, run = visitor.do(ended(FAILS))
    page.goto(f"/runs/{run}")
    expect(page.locator(".ending")).to_contain_text("exit code")
    expect(page.locator(".log .stderr").last).to_contain_text("RuntimeError: no rows")
    visitor.shot("failed-run")


def test_what_led_here_and_what_it_was_given(visitor: Visitor) -> None:
    page = visitor.page
    task, run = visitor.do(ended(HELLO["main.py"], json={"rows": 7}, name="given"))
    page.goto(f"/runs/{run}")
    expect(page.locator(".chain .what")).to_have_text(
        ["Request", "TaskCreated", "RunRequested", "RunStarted", "RunFinished"]
    )
    expect(page.locator("pre.code")).to_contain_text('"rows": 7')
    page.get_by_role("link", name="TaskCreated").click()
    expect(page).to_have_url(re.compile(rf"/history/task/{task}\?at=\d+$"))


def test_run_again(visitor: Visitor) -> None:
    page = visitor.page
    task, run = visitor.do(ended(HELLO["main.py"], json={"rows": 7}, name="given"))
    page.goto(f"/runs/{run}")
    page.get_by_role("button", name="Run again").click()
    page.wait_for_url(re.compile("/tasks/"))
    again = page.url.rsplit("/", 1)[1]
    assert again != task

    async def arguments(client: Api) -> object:
        return (await client.task(again))["input_data"]

    assert visitor.do(arguments) == {"rows": 7}


@pytest.mark.parametrize("query", ["line=0", "line=99999999999999999999", "from=x", "from=9999999"])
def test_odd_addresses_show_what_there_is(visitor: Visitor, query: str) -> None:
    page = visitor.page
    _, run = visitor.do(ended(HELLO["main.py"]))
    answer = page.goto(f"/runs/{run}?{query}")
    assert answer is not None
    assert answer.status == 200
    assert lines(page) == ["hello"]
