"""Output into lines, lines into chunks: nothing is lost, whatever the program writes."""

from itertools import pairwise
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from libs.runlog.chunks import CUT_AGE, CUT_SIZE, LONGEST, Chunk, Cutter, Stream, decode, lines

AT = 1_733_779_300_373_000_001  # 2024-12-09T21:21:40.373000001Z
STREAMS: tuple[Stream, ...] = get_args(Stream)

# Ends of lines, what looks like them, and lengths around the limit, more often than chance has it.
texts = st.lists(
    st.one_of(
        st.sampled_from([b"\n", b"\r\n", b"\r", b"\0", b"", b"\n\n", b"\xff\xfe", b"stdout F x"]),
        st.binary(max_size=20),
        st.integers(LONGEST - 2, LONGEST + 2).map(lambda size: b"x" * size),
        st.just(b"y" * (2 * LONGEST)),
    ),
    max_size=12,
).map(b"".join)


def split(text: bytes, cuts: list[int]) -> list[bytes]:
    at = sorted({0, len(text), *(cut % (len(text) + 1) for cut in cuts)})
    return [text[start:end] for start, end in pairwise(at)]


def text_of(stamped: list[bytes], stream: Stream) -> bytes:
    """What the program wrote, from its stamped lines; with a line end after the last."""
    fields = [line.split(b" ", 3) for line in stamped]
    mine = [(flag, text) for _, name, flag, text in fields if name == stream.encode()]
    return b"".join(text + (b"\n" if flag == b"F" else b"") for flag, text in mine)


def ended(text: bytes) -> bytes:
    return text if text.endswith(b"\n") or not text else text + b"\n"


def stamped_lines(chunks: list[Chunk]) -> list[bytes]:
    return [line for chunk in chunks for line in lines(chunk.data)]


def one_by_one(cutter: Cutter, at: int) -> list[Chunk]:
    return list(iter(lambda: cutter.take(at), None))


def whole(stream: Stream, text: bytes) -> list[bytes]:
    cutter = Cutter()
    cutter.feed(stream, text, AT)
    cutter.close(stream, AT)
    return stamped_lines(cutter.take_all())


@given(
    st.dictionaries(st.sampled_from(STREAMS), texts, min_size=1),
    st.lists(st.integers(0, 10**6), max_size=10),
    st.integers(0, CUT_AGE),
    st.integers(0, 1000),
)
def test_what_comes_out_is_what_went_in(
    written: dict[Stream, bytes], cuts: list[int], pause: int, first_line: int
) -> None:
    cutter, at, chunks = Cutter(first_line), AT, []
    for stream, text in written.items():
        for piece in split(text, cuts):
            at += pause
            cutter.feed(stream, piece, at)
            chunks += one_by_one(cutter, at)
    for stream in STREAMS:
        cutter.close(stream, at)
    chunks += cutter.take_all()

    stamped = stamped_lines(chunks)
    for stream in STREAMS:
        assert text_of(stamped, stream) == ended(written.get(stream, b""))
    assert cutter.next_line == first_line + len(stamped)
    for chunk in chunks:
        assert chunk.first_line == first_line
        assert chunk.lines == len(lines(chunk.data))
        assert chunk.raw_bytes == len(decode(chunk.data))
        first_line += chunk.lines
    times = [time for chunk in chunks for time in (chunk.first_at, chunk.last_at)]
    assert times == sorted(times)


@given(texts, st.lists(st.integers(0, 10**6), max_size=20))
def test_how_it_was_split_does_not_show(text: bytes, cuts: list[int]) -> None:
    cutter = Cutter()
    for piece in split(text, cuts):
        cutter.feed("stdout", piece, AT)
    cutter.close("stdout", AT)
    assert stamped_lines(cutter.take_all()) == whole("stdout", text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (b"hello\n", [b"stdout F hello"]),
        (b"\n", [b"stdout F "]),
        (b"no end", [b"stdout F no end"]),
        (b"crlf\r\nand \0 nul\n", [b"stdout F crlf\r", b"stdout F and \0 nul"]),
        (b"x" * LONGEST + b"\n", [b"stdout F " + b"x" * LONGEST]),
        (b"x" * LONGEST + b"y\n", [b"stdout P " + b"x" * LONGEST, b"stdout F y"]),
        (b"", []),
    ],
)
def test_the_form_of_lines(text: bytes, expected: list[bytes]) -> None:
    stamp = b"2024-12-09T21:21:40.373000001Z "
    assert whole("stdout", text) == [stamp + line for line in expected]


def test_a_line_waits_no_longer_than_it_must() -> None:
    cutter = Cutter()
    cutter.feed("stdout", b"first\n", AT)
    cutter.feed("stdout", b"second\n", AT + CUT_AGE - 1)
    assert cutter.take(AT + CUT_AGE - 1) is None
    chunk = cutter.take(AT + CUT_AGE)
    assert chunk is not None
    assert (chunk.lines, chunk.first_at, chunk.last_at) == (2, AT, AT + CUT_AGE - 1)
    assert not cutter.ready(AT + 10 * CUT_AGE)


def test_an_unfinished_line_is_not_one_yet() -> None:
    cutter = Cutter()
    cutter.feed("stdout", b"half", AT)
    assert not cutter.ready(AT + 10 * CUT_AGE)
    assert cutter.take_all() == []
    cutter.feed("stdout", b" and half\n", AT + 20 * CUT_AGE)
    assert text_of(stamped_lines(cutter.take_all()), "stdout") == b"half and half\n"


def test_streams_keep_their_own_lines() -> None:
    cutter = Cutter()
    cutter.feed("stdout", b"out ", AT)
    cutter.feed("stderr", b"error\n", AT)
    cutter.feed("stdout", b"put\n", AT)
    texts = [line.split(b" ", 1)[1] for line in stamped_lines(cutter.take_all())]
    assert texts == [b"stderr F error", b"stdout F out put"]


@pytest.mark.parametrize("line", [b"\n", b"x" * 99 + b"\n", b"x" * 200_000 + b"\n"])
def test_chunks_are_bounded_however_much_is_fed(line: bytes) -> None:
    cutter = Cutter()
    cutter.feed("stdout", line * (600_000 // len(line)), AT)
    chunks = one_by_one(cutter, AT)
    assert all(CUT_SIZE <= chunk.raw_bytes < 4 * CUT_SIZE for chunk in chunks)
    rest = cutter.take_all()
    assert sum(chunk.raw_bytes for chunk in rest) < CUT_SIZE
    assert text_of(stamped_lines(chunks + rest), "stdout") == line * (600_000 // len(line))


def test_a_line_that_never_ends_does_not_pile_up() -> None:
    cutter = Cutter()
    given = 0
    for _ in range(1000):
        cutter.feed("stderr", b"z" * CUT_SIZE, AT)
        given += sum(chunk.lines for chunk in one_by_one(cutter, AT))
    assert given > 1000 * CUT_SIZE / LONGEST - 10


def test_a_clock_set_back() -> None:
    cutter = Cutter()
    cutter.feed("stdout", b"before\n", AT)
    cutter.feed("stdout", b"after\n", AT - 3600 * 10**9)
    chunk = cutter.take(AT - 3600 * 10**9)
    assert chunk is not None, "it must not wait for the clock to catch up"
    assert chunk.first_at == chunk.last_at == AT
