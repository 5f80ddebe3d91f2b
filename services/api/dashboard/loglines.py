"""Stamped lines of a log as a page shows them: numbered from 1, without control sequences."""

import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

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


def shown(number: int, stamped: bytes) -> LogLine:
    """From a stamped line (libs/runlog/chunks.py) without its end; `number` counts from 0."""
    stamp, stream, _, text = stamped.decode("utf-8", "replace").split(" ", 3)
    return LogLine(number + 1, stamp[11:23], stream, _CONTROL.sub("", text))


def window(first: int, stamped: Iterable[bytes]) -> Iterator[LogLine]:
    """Lines that follow each other; the first is number `first`, from 0."""
    for number, line in enumerate(stamped, start=first):
        yield shown(number, line)


def found(numbered: bytes) -> LogLine:
    """A line that was searched for, `<number from 0>:<stamped line>`."""
    number, _, stamped = numbered.partition(b":")
    return shown(int(number), stamped)
