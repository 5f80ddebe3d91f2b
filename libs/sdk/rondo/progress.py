"""Progress on standard error, for people at a terminal only."""

import os
import sys
import time
from types import TracebackType

_WIDTH = 30
_SIGNS = "|/-\\"
_MIN_PAUSE_SECONDS = 0.1  # between two drawings


class _Line:
    """A line that is drawn over again and again, and erased when the block ends."""

    def __init__(self) -> None:
        terminal = sys.stderr is not None and sys.stderr.isatty()
        self._shown = terminal and os.environ.get("TERM") != "dumb"
        self._drawn = 0.0

    def draw(self, text: str) -> None:
        """Show `text` in place of what the line showed, ten times a second at most."""
        now = time.monotonic()
        if self._shown and now - self._drawn >= _MIN_PAUSE_SECONDS:
            self._drawn = now
            print(f"\r\x1b[K{text}", end="", file=sys.stderr, flush=True)  # noqa: T201

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._drawn:
            print("\r\x1b[K", end="", file=sys.stderr, flush=True)  # noqa: T201


class Bar(_Line):
    """A bar that shows how much of `total` bytes is done."""

    def __init__(self, label: str, total: int) -> None:
        super().__init__()
        self._label, self._total = label, total

    def __enter__(self) -> "Bar":
        return self

    def move(self, done: int) -> None:
        """Show that `done` bytes are done."""
        part = done / self._total if self._total else 1.0
        filled = "#" * round(part * _WIDTH)
        self.draw(f"{self._label} [{filled:-<{_WIDTH}}] {part:4.0%} of {self._total:,} bytes")


class Spinner(_Line):
    """A sign that something goes on, with the seconds since it began."""

    def __init__(self, label: str) -> None:
        super().__init__()
        self._label, self._began = label, time.monotonic()

    def __enter__(self) -> "Spinner":
        return self

    def turn(self, state: str) -> None:
        """Show the next sign, with `state` beside it."""
        seconds = time.monotonic() - self._began
        self.draw(f"{_SIGNS[int(4 * seconds) % 4]} {self._label}: {state}, {seconds:.0f} s")
