r"""Where output becomes lines, and lines become chunks. Pure: the time is passed in.

A stamped line is `<RFC 3339, UTC, 9 decimals>Z <stdout|stderr> <F|P> <text>\n`, the container
runtimes' form. A line of more than LONGEST bytes is given out in pieces of that size marked P
(partial) and its rest, never empty, marked F (full): joined they are the line. What has no line end
for a while is given out as such a piece too; then the rest may be empty, and missing if the stream
ends. Text is bytes, as the program wrote it, whatever is in it, but for what it has written over
(redraws.py); only readers decode.
"""

from collections import deque
from datetime import UTC, datetime
from typing import Literal, NamedTuple

import msgspec
import zstandard

from libs.runlog.redraws import UP, Waiting, is_burst, newest, settled, showable

Stream = Literal["stdout", "stderr"]

CUT_SIZE = 64 << 10  # bytes of stamped lines that make a chunk
CUT_AGE = 200_000_000  # ns that a line waits at most for a chunk to fill
LONGEST = 16 << 10  # bytes of text in a stamped line

# A feed is worked off in steps of at most this much: they bound a chunk to about 200 KiB.
_STEP_SIZE = 64 << 10  # bytes
_STEP_LINES = 1024

_compressor = zstandard.ZstdCompressor(level=3)  # to make one takes longer than a small chunk


class Chunk(msgspec.Struct, frozen=True):
    """Lines of one run, in the order in which they came."""

    first_line: int  # counted from 0 over the run
    lines: int
    first_at: int  # ns since 1970 of the first line, and of the last
    last_at: int
    raw_bytes: int  # of the stamped lines
    data: bytes  # the stamped lines, compressed


class _Step(NamedTuple):
    text: bytes
    lines: int
    at: int


class Cutter:
    """Cuts one run's output into chunks. `at` is in ns since 1970; a clock set back is held still.

    Feed it, take what is ready, close both streams and take_all when the run has ended. After
    `first_line` chunks count on from there.
    """

    def __init__(self, first_line: int = 0) -> None:
        self._next_line = first_line
        self._now = 0
        self._second, self._second_text = -1, ""  # of the last stamp: formatting it is dear
        self._open: dict[Stream, bytes] = {"stdout": b"", "stderr": b""}
        self._waiting: dict[Stream, Waiting] = {stream: Waiting() for stream in self._open}
        self._steps: deque[_Step] = deque()
        self._size = 0

    def feed(self, stream: Stream, data: bytes, at: int) -> None:
        """What was read from a pipe. A line without its end stays here until it has one, or is
        shown without."""
        self._now = max(self._now, at)
        for start in range(0, len(data), _STEP_SIZE):
            piece = data[start : start + _STEP_SIZE] if len(data) > _STEP_SIZE else data
            self._feed(stream, piece)

    def close(self, stream: Stream, at: int) -> None:
        """The pipe is closed: a line without its end is one now."""
        self._now = max(self._now, at)
        if rest := self._open[stream]:
            self._open[stream] = b""
            over = self._waiting[stream].over
            self._add([self._mark(stream, "F") + (newest if over else settled)(rest)])
        self._waiting[stream] = Waiting()

    def due(self) -> int | None:
        """When `show` will have something to give out; None if there is nothing."""
        waiting = [one.since + one.pause for one in self._waiting.values() if one.since]
        return min(waiting, default=None)

    def show(self, at: int) -> None:
        """Give out what has waited for a line end for long enough."""
        self._now = max(self._now, at)
        for stream, waiting in self._waiting.items():
            if waiting.since and not 0 <= at - waiting.since < waiting.pause:
                waiting.since = 0
                self._show(stream)

    def ready(self, at: int) -> bool:
        """Whether there is enough for a chunk, or the oldest line has waited long enough."""
        if not self._steps:
            return False
        waited = at - self._steps[0].at  # below 0 after the clock was set back: don't wait for it
        return self._size >= CUT_SIZE or not 0 <= waited < CUT_AGE

    def take(self, at: int) -> Chunk | None:
        """The next chunk if one is ready. Call again until it is None."""
        return self._cut() if self.ready(at) else None

    def take_all(self) -> list[Chunk]:
        """Every line there is, ready or not."""
        return list(iter(self._cut, None))

    @property
    def empty(self) -> bool:
        """Whether there is nothing to take; a line without its end does not count yet."""
        return not self._steps

    @property
    def next_line(self) -> int:
        """How many lines the chunks that were taken reach to."""
        return self._next_line

    def _feed(self, stream: Stream, data: bytes) -> None:
        waiting = self._waiting[stream]
        text = waiting.level(self._open[stream] + data)
        *lines, rest = text.split(b"\n")
        if waiting.over and lines:
            lines[0] = newest(lines[0])
        waiting.note(rest, bool(lines), self._now)
        if is_burst(text):
            lines, rest = [settled(line) for line in lines], settled(rest)
            waiting.over = waiting.over or is_burst(text[text.rfind(b"\n") + 1 :])
        full = self._mark(stream, "F")
        stamped = []
        for line in lines:
            *partial, last = _pieces(line) if len(line) > LONGEST else (line,)
            if partial:
                stamped += self._stamp(stream, partial)
            stamped.append(full + last)
        *partial, self._open[stream] = _pieces(rest)
        if partial:
            stamped += self._stamp(stream, partial)
        self._add(stamped)

    def _show(self, stream: Stream) -> None:
        text = newest(self._open[stream])
        waiting = self._waiting[stream]
        waiting.over |= b"\r" in text
        waiting.up = text.endswith(UP[:-1])
        size = showable(text)
        self._open[stream] = text[size:]
        if size:
            self._add([self._mark(stream, "P") + text[:size]])

    def _stamp(self, stream: Stream, partial: list[bytes]) -> list[bytes]:
        mark = self._mark(stream, "P")
        return [mark + piece for piece in partial]

    def _mark(self, stream: Stream, flag: str) -> bytes:
        second, ns = divmod(self._now, 1_000_000_000)
        if second != self._second:
            self._second = second
            self._second_text = datetime.fromtimestamp(second, UTC).isoformat()[:19]
        return f"{self._second_text}.{ns:09d}Z {stream} {flag} ".encode()

    def _add(self, stamped: list[bytes]) -> None:
        for start in range(0, len(stamped), _STEP_LINES):
            some = stamped[start : start + _STEP_LINES]
            text = b"\n".join(some) + b"\n"
            self._steps.append(_Step(text, len(some), self._now))
            self._size += len(text)

    def _cut(self) -> Chunk | None:
        steps: list[_Step] = []
        size = 0
        while self._steps and size < CUT_SIZE:
            steps.append(self._steps.popleft())
            size += len(steps[-1].text)
        if not steps:
            return None
        first_line, lines = self._next_line, sum(step.lines for step in steps)
        self._next_line += lines
        self._size -= size
        data = _compressor.compress(b"".join(step.text for step in steps))
        return Chunk(first_line, lines, steps[0].at, steps[-1].at, size, data)


def _pieces(line: bytes) -> list[bytes]:
    """Of LONGEST bytes each but for the last, which is what is left and not empty unless all is."""
    cuts = range(0, max(len(line), 1), LONGEST)
    return [line[start : start + LONGEST] for start in cuts]


def decode(data: bytes) -> bytes:
    """The stamped lines in a chunk's `data`, each with its line end."""
    return zstandard.ZstdDecompressor().decompress(data)


def lines(data: bytes) -> list[bytes]:
    """The stamped lines in a chunk's `data`, without their line ends."""
    return decode(data).split(b"\n")[:-1]
