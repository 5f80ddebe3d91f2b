"""Live logs: from the first line to the last, through connections that break."""

import random
from collections.abc import Callable, Iterator

import pytest
from rondo import AsyncClient, Client, Orchestration, Password, TaskRun, log_lines
from rondo.errors import EntityNotFoundError
from rondo.sse import Event, Parser

from tests.platform import PATIENCE, Platform, archive
from tests.sdk.conftest import WAITS
from tests.sdk.proxy import Proxy, proxied

COUNTS = """\
import time
for number in range(400):
    print(number, "x" * 50, flush=True)
    time.sleep(0.002)
"""
NUMBERS = [f"{number} {'x' * 50}" for number in range(400)]


@pytest.fixture
def proxy(platform: Platform) -> Iterator[Proxy]:
    with proxied(platform.access["url"]) as proxy:
        yield proxy


def test_lines_come_while_the_run_goes_on(ready: Callable[[str], Orchestration]) -> None:
    task = ready(WAITS).run_once("waits")
    followed = task.newest_run(PATIENCE).follow()
    assert next(followed) == "begun"
    task.kill(keep_logs=True)
    assert list(followed) == []


def test_no_line_is_missed_or_doubled(
    ready: Callable[[str], Orchestration], proxy: Proxy, login: Password
) -> None:
    task = ready(COUNTS).run_once("counts")
    run = Client(proxy.url, login=login).get_task_by_id(task.id()).newest_run(PATIENCE)
    draw = random.Random(7)
    proxy.cuts = [draw.randrange(1, 9000) for _ in range(12)]
    before = proxy.opened
    assert list(run.follow()) == NUMBERS
    assert proxy.opened - before > 3
    proxy.cuts = [draw.randrange(1, 9000) for _ in range(12)]
    before = proxy.opened
    stamped = list(run.follow(stamps=True))
    assert proxy.opened - before > 3
    proxy.cuts = []
    assert stamped == run.logs()


async def test_nor_by_asyncio(async_client: AsyncClient, proxy: Proxy, login: Password) -> None:
    uploaded = await async_client.upload_orchestration(archive({"main.py": COUNTS}))
    task = await (await uploaded.wait(PATIENCE)).run_once("counts")
    there = AsyncClient(proxy.url, login=login)
    run = await (await there.get_task_by_id(task.id())).newest_run(PATIENCE)
    draw = random.Random(8)
    proxy.cuts = [draw.randrange(1, 9000) for _ in range(12)]
    before = proxy.opened
    assert [line async for line in run.follow()] == NUMBERS
    assert proxy.opened - before > 3


def test_a_killed_api_is_waited_for(
    ready: Callable[[str], Orchestration], platform: Platform
) -> None:
    followed = ready(COUNTS).run_once("counts").newest_run(PATIENCE).follow()
    assert next(followed) == NUMBERS[0]
    assert platform.signal("api")
    assert list(followed) == NUMBERS[1:]


def test_the_end_is_known(ready: Callable[[str], Orchestration]) -> None:
    run = ready("raise SystemExit(3)").run_once("fails").newest_run(PATIENCE)
    assert list(run.follow()) == []
    assert run.to_json()["status"] == "failure"


def test_a_run_that_is_none(client: Client) -> None:
    run = TaskRun(client, {"run_id": "00000000-0000-4000-8000-000000000000"})
    with pytest.raises(EntityNotFoundError):
        list(run.follow())


def test_events_however_they_are_cut() -> None:
    sent = (
        b': hello\n\nid: 1\ndata: {"a":"\xc3\xbc"}\n\nevent: end\r\nid:2\r\ndata:x\r\ndata: y\r\n'
        b"\r\nid: 3\n\nretry: 5\ndata\n\n: still here\nid: 7\n\nid: 8\ndata: never whole\n"
    )
    expected = [
        Event("1", "message", '{"a":"ü"}'),
        Event("2", "end", "x\ny"),
        Event("3", "message", ""),
    ]
    for step in range(1, len(sent)):
        parser = Parser()
        pieces = (sent[at : at + step] for at in range(0, len(sent), step))
        assert [event for piece in pieces for event in parser.feed(piece)] == expected
        assert parser.last == "7"


BAR = """\
import sys, time
for number in range(40):
    sys.stderr.write(f"\\rstep {number}")
    time.sleep(0.05)
print("done? ", end="")
time.sleep(1.5)
print("done")
"""


def test_a_bar_is_followed_by_its_newest_states_each_once(
    ready: Callable[[str], Orchestration],
) -> None:
    run = ready(BAR).run_once("bar").newest_run(PATIENCE)
    followed = list(run.follow())
    steps = [int(text.removeprefix("step ")) for text in followed if text.startswith("step ")]
    assert 3 <= len(steps) <= 12
    assert steps == sorted(set(steps))
    assert steps[-1] == 39
    assert [text for text in followed if "done" in text] == ["done? ", "done"]
    assert sorted(run.logs().texts()) == ["done? done", "step 39"]


def test_pieces_make_lines_whatever_is_between_them() -> None:
    stamped = [
        "T stderr P \rstep 1",
        "T stdout F one",
        "T stderr P \rstep 2",
        "T stdout P sure? ",
        "T stderr F ",
        "T stdout F yes",
        "T stdout F crlf\r",
        "T stderr P open",
    ]
    assert log_lines.joined_texts(stamped) == ["step 2", "one", "sure? yes", "crlf\r", "open"]
    texts = log_lines.LineTexts()
    assert [texts.of(line) for line in stamped] == [
        *("step 1", "one", "step 2", "sure? ", None, "yes", "crlf\r", "open")
    ]
