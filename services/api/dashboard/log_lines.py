"""Stamped lines of a log for pages: numbered from 1, without control sequences."""

import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

LONGEST = 4000  # characters of a line; the rest is in the download

# Colours and cursor movements of terminals (ECMA-48), and other control characters but tab.
_CONTROL = re.compile(
    r"\x1b\[[0-?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)|[\x00-\x08\x0b-\x1f\x7f]"
)


class LogLine(NamedTuple):
    """`number` counts from 1. `at` is a time of day; `stream` is stdout or stderr."""

    number: int
    at: str
    stream: str
    text: str

    @property
    def part(self) -> str:
        """Empty for a full line, `more` for a piece that goes on, `over` for one that is drawn
        over."""
        return ""


class More(LogLine):
    """A piece of a line: the next piece of its stream continues it."""

    @property
    def part(self) -> str:
        return "more"


class Over(LogLine):
    """A state of a line: the next piece of its stream replaces it."""

    @property
    def part(self) -> str:
        return "over"


def parse_line(number: int, stamped: bytes | str) -> LogLine:
    """From a stamped line (libs/runlog/chunks.py) without its end; `number` counts from 0."""
    text = stamped.decode("utf-8", "replace") if isinstance(stamped, bytes) else stamped
    stamp, stream, flag, text = text.split(" ", 3)
    kind = LogLine if flag == "F" else Over if "\r" in text else More
    text = _newest(text)
    if len(text) > LONGEST:
        text = text[:LONGEST] + " …"
    return kind(number + 1, stamp[11:23], stream, _CONTROL.sub("", text))


def _newest(text: str) -> str:
    """The visible text of a line: a carriage return starts it again."""
    end = len(text.rstrip("\r"))
    return text[text.rfind("\r", 0, end) + 1 : end]


def window(first: int, stamped: Iterable[bytes]) -> Iterator[LogLine]:
    """Lines that follow each other; the first is number `first`, from 0.

    States that were replaced are left out, and short pieces are joined: such a line has the number
    of its last piece. The page does the same with new lines (log.js).
    """
    lines: dict[int, LogLine] = {}
    going_on: dict[str, LogLine] = {}
    for number, text in enumerate(stamped, start=first):
        line = parse_line(number, text)
        before = going_on.pop(line.stream, None)
        if before and (merged := _merged(before, line)):
            del lines[before.number]
            line = merged
        lines[line.number] = line
        if line.part:
            going_on[line.stream] = line
    return iter(lines.values())


def _merged(before: LogLine, line: LogLine) -> LogLine | None:
    if before.part == "over" and line.text:
        return line
    if len(before.text) + len(line.text) > LONGEST:
        return None
    return line._replace(text=before.text + line.text)


def parse_match(numbered: bytes) -> LogLine:
    """A match of a search: `<number from 0>:<stamped line>`."""
    number, _, stamped = numbered.partition(b":")
    return parse_line(int(number), stamped)
