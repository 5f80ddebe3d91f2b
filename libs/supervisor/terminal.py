"""What the operator sees while Rondo starts, runs and stops: one line a step, on stderr."""

import contextlib
import os
import sys
import time
from typing import TextIO

_GREEN, _YELLOW, _BOLD, _PLAIN = "\033[32m", "\033[33m", "\033[1m", "\033[0m"


class Terminal:
    """Writes lines `HH:MM:SS  who  what`; coloured on a terminal unless NO_COLOR is set."""

    def __init__(self, stream: TextIO = sys.stderr) -> None:
        self._stream = stream
        self.interactive = stream.isatty()
        self._colours = self.interactive and not os.environ.get("NO_COLOR")

    def say(self, who: str, what: str) -> None:
        """A step that went well."""
        self._line(who, what, _GREEN)

    def warn(self, who: str, what: str) -> None:
        """Something that the operator should know of."""
        self._line(who, what, _YELLOW)

    def announce(self, text: str) -> None:
        """What the operator was waiting for."""
        self._write(f"{_BOLD}{text}{_PLAIN}" if self._colours else text)

    def _line(self, who: str, what: str, colour: str) -> None:
        who = f"{who:<10}"
        who = f"{colour}{who}{_PLAIN}" if self._colours else who
        self._write(f"{time.strftime('%H:%M:%S')}  {who} {what}")

    def _write(self, line: str) -> None:
        with contextlib.suppress(OSError):  # the terminal is gone: the work goes on without it
            self._stream.write(line + "\n")
            self._stream.flush()
