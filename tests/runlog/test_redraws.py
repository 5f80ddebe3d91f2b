"""What has no line end: prompts are shown after a pause, and of bars the newest state."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from libs.runlog.chunks import Cutter, lines
from libs.runlog.redraws import BURST, FIRST, MOST, newest
from tests.runlog.test_chunks import AT, ended, text_of, texts

SECOND = 10**9


def shown(cutter: Cutter) -> list[bytes]:
    """Flag and text of what can be taken now, in order."""
    chunks = cutter.take_all()
    stamped = [line for chunk in chunks for line in lines(chunk.data)]
    assert sum(chunk.lines for chunk in chunks) == len(stamped)
    return [line.split(b" ", 2)[2] for line in stamped]


def after(*fed: tuple[float, bytes]) -> Cutter:
    """Each text so many seconds after the one before, with `show` whenever it is due."""
    cutter, now = Cutter(), AT
    for seconds, text in fed:
        now += int(seconds * SECOND)
        while (due := cutter.due()) is not None and due <= now:
            cutter.show(due)
        cutter.feed("stderr", text, now)
    return cutter


def test_a_prompt_is_shown_after_a_pause_and_its_line_goes_on() -> None:
    cutter = Cutter()
    cutter.feed("stdout", b"name? ", AT)
    assert cutter.due() == AT + FIRST
    cutter.show(AT + FIRST - 1)
    assert shown(cutter) == []
    cutter.show(AT + FIRST)
    assert shown(cutter) == [b"P name? "]
    assert cutter.due() is None
    cutter.feed("stdout", b"Ada\n", AT + SECOND)
    assert shown(cutter) == [b"F Ada"]


def test_what_was_shown_and_ends_there_is_not_shown_again() -> None:
    cutter = after((0, b"waiting"), (1, b""))
    cutter.close("stderr", AT + 2 * SECOND)
    assert shown(cutter) == [b"P waiting"]
    assert cutter.due() is None


def test_a_bar_shows_its_newest_state_and_keeps_no_other() -> None:
    cutter = after(*((0.1, b"\rstep %d" % n) for n in range(12)), (0, b"\n"))
    assert shown(cutter) == [b"P \rstep 4", b"P \rstep 9", b"F \rstep 11"]


def test_of_a_burst_the_last_is_kept() -> None:
    cutter = after(*((0.001, b"\rstep %d" % n) for n in range(400)), (0, b"\nnext\n"))
    assert shown(cutter) == [b"F \rstep 399", b"F next"]
    cutter = after((0, b"".join(b"%d%%\r" % n for n in range(101))), (1, b"done\n"))
    assert shown(cutter) == [b"P \r100%\r", b"F done"]


def test_a_bar_of_an_hour_takes_a_thousand_lines_and_no_memory() -> None:
    cutter, most = Cutter(), 0
    now, count = AT, 0
    for n in range(36_000):
        now += SECOND // 10
        cutter.feed("stderr", b"\r%5d/36000 " % n + b"#" * 60, now)
        most = max(most, len(cutter._open["stderr"]))
        if (due := cutter.due()) is not None and due <= now:
            cutter.show(now)
            count += len(shown(cutter))
    assert 700 < count < 1200
    assert most < (BURST + 2) * 80
    assert (cutter.due() or 0) - now <= MOST


def test_crlf_stays_a_line_end_wherever_it_is_split() -> None:
    text = b"".join(b"line %d\r\n" % n for n in range(50))
    cutter = after((0, text))
    assert shown(cutter) == [b"F line %d\r" % n for n in range(50)]
    assert shown(after((0, b"hello\r"), (0, b"\n"))) == [b"F hello\r"]
    assert shown(after((0, b"hello\r"), (1, b"\n"))) == [b"P hello\r", b"F "]


def test_streams_do_not_show_each_other_s() -> None:
    cutter = Cutter()
    cutter.feed("stderr", b"\r50%", AT)
    cutter.feed("stdout", b"a line\n", AT + 1)
    cutter.show(AT + FIRST)
    cutter.feed("stderr", b"\r100%\n", AT + FIRST)
    assert shown(cutter) == [b"F a line", b"P \r50%", b"F \r100%"]


@pytest.mark.parametrize("text", ["ä", "€", "😀"])
def test_half_a_character_waits_for_the_rest(text: str) -> None:
    raw = text.encode()
    for cut in range(1, len(raw)):
        cutter = after((0, b"x" + raw[:cut]), (1, raw[cut:]), (1, b""))
        assert shown(cutter) == [b"P x", b"P " + raw]
    cutter = after((0, b"\xff" + raw[:1]), (60, b""))
    cutter.close("stderr", AT + 61 * SECOND)
    assert shown(cutter) == [b"P \xff", b"F " + raw[:1]]


def test_a_clock_that_is_set_back_keeps_nothing_waiting() -> None:
    cutter = Cutter()
    cutter.feed("stdout", b"name? ", AT)
    cutter.show(AT - 3600 * SECOND)
    assert shown(cutter) == [b"P name? "]


@given(texts, st.lists(st.tuples(st.integers(0, 10**6), st.integers(0, 6 * SECOND)), max_size=20))
def test_pieces_are_the_line_but_for_what_was_written_over(
    text: bytes, cuts: list[tuple[int, int]]
) -> None:
    places = sorted({0, len(text), *(cut % (len(text) + 1) for cut, _ in cuts)})
    pauses = [pause / SECOND for _, pause in cuts] + [0.0] * (len(places) + 1)
    pieces = [text[start:end] for start, end in pairwise(places)]
    cutter = after(*zip(pauses, pieces, strict=False))
    cutter.close("stderr", AT + 3600 * SECOND)
    stamped = [line for chunk in cutter.take_all() for line in lines(chunk.data)]
    assert cutter.next_line == len(stamped)
    got, wanted = text_of(stamped, "stderr"), ended(text)
    assert list(map(newest, ended(got).split(b"\n"))) == list(map(newest, wanted.split(b"\n")))


def test_bars_below_each_other_are_one_line_however_they_are_read() -> None:
    """As tqdm draws them: down, the text, and up again; each a write of its own."""
    writes = [b"\router 0%"]
    for n in range(30):
        writes += [b"\n", b"\rinner %d%%" % n, b"\x1b[A"]
    writes += [b"\router 50%", b"\n", b"\rinner done", b"\x1b[A", b"\n", b"\nhello\n"]
    apart = shown(after(*((0.1, one) for one in writes)))
    assert len(apart) < 25
    assert (apart[0], apart[-1]) == (b"F \router 0%", b"F hello")
    assert any(b"inner done" in text for text in apart)
    together = shown(after((0, b"".join(writes))))
    assert together == [b"F \router 0%", b"F \router 50%", b"F \rinner done\x1b[A\r", b"F hello"]
