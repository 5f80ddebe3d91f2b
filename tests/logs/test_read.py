"""What was printed is what is read: all of it, parts of it, and what holds a text."""

import asyncio
import random
from uuid import uuid4

import pytest

from libs.eventlog.nats_client import Nats
from tests.logs.harness import AT, Logs, Printer


@pytest.mark.parametrize("seed", range(3))
async def test_every_part_of_a_log_however_it_was_cut(logs: Logs, nats: Nats, seed: int) -> None:
    """I5: complete means that every line is there, in order, byte for byte."""
    draw = random.Random(seed)
    printer, expected = Printer(nats), []
    for _ in range(draw.randint(5, 70)):
        texts = [
            draw.randbytes(draw.randint(0, 40)).replace(b"\n", b"")
            for _ in range(draw.randint(1, 9))
        ]
        expected += await printer.print(*texts)
    answer = await logs.get(f"{printer.run}/lines", expect=len(expected))
    assert answer.lines == expected
    assert answer.headers["Rondo-Complete"] == "true"
    assert answer.headers["Rondo-Lines"] == str(len(expected))
    assert answer.headers["Content-Type"] == "text/plain; charset=utf-8"
    for _ in range(20):
        first, count = draw.randint(0, len(expected) + 3), draw.randint(0, len(expected) + 3)
        assert await logs.lines(printer.run, last=count) == expected[-count:][:count]
        wanted = expected[first : first + count]
        assert await logs.lines(printer.run, **{"from": first}, count=count) == wanted


async def test_more_chunks_than_one_query_reads(logs: Logs, nats: Nats) -> None:
    printer = Printer(nats)
    expected = [line for n in range(70) for line in await printer.print(b"line %d" % n)]
    assert await logs.lines(printer.run, expect=70) == expected
    assert await logs.lines(printer.run, last=69) == expected[1:]


async def test_long_lines_come_in_pieces_that_count_as_lines(logs: Logs, nats: Nats) -> None:
    printer = Printer(nats)
    expected = await printer.print(b"x" * 100_000, b"end")
    assert len(expected) == 8
    assert await logs.lines(printer.run, expect=8) == expected
    assert await logs.lines(printer.run, last=1) == [b"2023-11-14T22:13:20.000000000Z stdout F end"]


async def test_waits_for_the_lines_that_are_expected(logs: Logs, nats: Nats) -> None:
    printer = Printer(nats)
    asking = asyncio.create_task(logs.get(f"{printer.run}/lines", expect=2, last=1))
    one, two = await printer.print(b"one"), await printer.print(b"two")
    answer = await asking
    assert (answer.lines, answer.headers["Rondo-Complete"]) == (two, "true")
    assert await logs.lines(printer.run) == one + two


async def test_says_so_when_lines_are_missing(logs: Logs, nats: Nats) -> None:
    printer = Printer(nats)
    expected = await printer.print(b"one")
    answer = await logs.get(f"{printer.run}/lines", expect=2)
    assert (answer.lines, answer.headers["Rondo-Complete"]) == (expected, "false")
    assert answer.headers["Rondo-Lines"] == "1"


async def test_a_run_without_output_is_empty(logs: Logs) -> None:
    answer = await logs.get(f"{uuid4()}/lines", last=10)
    assert (answer.status, answer.text, answer.headers["Rondo-Complete"]) == (200, b"", "true")


async def test_search_gives_numbered_lines(logs: Logs, nats: Nats) -> None:
    printer = Printer(nats)
    await printer.print(b"loss 0.5", b"Stra\xc3\x9fe", b"stdout")
    await printer.print(b"\xff\xfe bad", b"loss 0.25", b"loss 0.125")
    await logs.lines(printer.run, expect=6)

    async def matches(**query: str | int) -> list[bytes]:
        answer = await logs.get(f"{printer.run}/search", **query)
        stamp = b"2023-11-14T22:13:20.000000000Z stdout F "
        return [line.replace(stamp, b"") for line in answer.lines]

    assert await matches(text="loss") == [b"0:loss 0.5", b"4:loss 0.25", b"5:loss 0.125"]
    assert await matches(text="loss", limit=2) == [b"0:loss 0.5", b"4:loss 0.25"]
    assert await matches(text="stdout") == [b"2:stdout"]
    assert await matches(text="LOSS 0.2") == []
    assert await matches(text="LOSS 0.2", ignore_case="true") == [b"4:loss 0.25"]
    assert await matches(text="STRASSE", ignore_case="true") == [b"1:Stra\xc3\x9fe"]
    assert await matches(text="BAD", ignore_case="true") == [b"3:\xff\xfe bad"]


@pytest.mark.parametrize(
    ("path", "query", "field"),
    [
        ("lines", {"last": "-1"}, "last"),
        ("lines", {"last": "ten"}, "last"),
        ("lines", {"last": "٣"}, "last"),
        ("lines", {"last": "9" * 5000}, "last"),
        ("lines", {"last": 1, "from": 1}, "last"),
        ("lines", {"expect": "1.5"}, "expect"),
        ("lines", {"from": 10**15}, "from"),
        ("lines", {"from": 0, "count": ""}, "count"),
        ("search", {}, "text"),
        ("search", {"text": "a\nb"}, "text"),
        ("search", {"text": "a", "limit": 0}, "limit"),
        ("search", {"text": "a", "ignore_case": "maybe"}, "ignore_case"),
        ("follow", {"from": "x"}, "from"),
    ],
)
async def test_bad_input_names_the_field(
    logs: Logs, path: str, query: dict[str, str | int], field: str
) -> None:
    answer = await logs.get(f"{uuid4()}/{path}", **query)
    assert answer.status == 400
    assert answer.text.startswith(b'{"code": "invalid", "msg": "%s: ' % field.encode())


async def test_a_run_id_that_is_none(logs: Logs) -> None:
    answer = await logs.get("something/lines")
    assert (answer.status, b"run_id: " in answer.text) == (400, True)


@pytest.mark.parametrize("authorization", ["", "Bearer wrong", "Basic internal-token", "Bearer ü"])
async def test_without_the_internal_token_nothing_is_shown(logs: Logs, authorization: str) -> None:
    for path in ("lines", "search", "follow"):
        url = f"{logs.url}/runs/{uuid4()}/{path}"
        async with logs.session.get(url, headers={"Authorization": authorization}) as response:
            assert response.status == 401
            assert (await response.json())["code"] == "unauthorized"


async def test_times_are_kept_to_the_nanosecond(logs: Logs, nats: Nats) -> None:
    printer = Printer(nats)
    for chunk in printer.cut(b"x", at=AT + 123_456_789):
        await printer.publish(chunk)
    (line,) = await logs.lines(printer.run, expect=1)
    assert line == b"2023-11-14T22:13:20.123456789Z stdout F x"
