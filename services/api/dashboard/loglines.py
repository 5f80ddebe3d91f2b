"""Stamped lines of a log as a page shows them: numbered from 1, without control sequences."""

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


def shown(number: int, stamped: bytes | str) -> LogLine:
    """From a stamped line (libs/runlog/chunks.py) without its end; `number` counts from 0."""
    text = stamped.decode("utf-8", "replace") if isinstance(stamped, bytes) else stamped
    stamp, stream, _, text = text.split(" ", 3)
    if len(text) > LONGEST:
        text = text[:LONGEST] + " …"
    return LogLine(number + 1, stamp[11:23], stream, _CONTROL.sub("", text))


def window(first: int, stamped: Iterable[bytes]) -> Iterator[LogLine]:
    """Lines that follow each other; the first is number `first`, from 0."""
    for number, line in enumerate(stamped, start=first):
        yield shown(number, line)


def found(numbered: bytes) -> LogLine:
    """A line that was searched for, `<number from 0>:<stamped line>`."""
    number, _, stamped = numbered.partition(b":")
    return shown(int(number), stamped)
