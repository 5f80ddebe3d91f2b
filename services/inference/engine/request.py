"""An inference as the replica gets it and gives it back. Knows neither numpy nor a runtime."""

from typing import Any

import msgspec

from services.inference.record import RecordBody

JSON = "application/json"
ARROW = "application/vnd.apache.arrow.file"


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """`dataset` and `exclude` select columns of the answer, by their names with dots. With a
    `separator` the answer is flat, without it nested. `random`, in [0, 1), decides random splits:
    one request sent twice is answered the same."""

    body: bytes
    content_type: str = JSON
    accept: str = "*/*"
    format_arrow: bool = False  # header `format: arrow`
    dataset: list[str] = []
    exclude: list[str] = []
    separator: str | None = None
    time_ms: int
    pipeline_version: str
    partition: str
    random: float = 0.0


class Answer(msgspec.Struct, frozen=True):
    """What the client gets, and what the log does."""

    content_type: str
    body: bytes
    record: RecordBody


class Cancel:
    """Ends an inference from another thread, also one that has not begun to run."""

    def __init__(self) -> None:
        self.requested = False
        self._running: Any = None

    def cancel(self) -> None:
        """The inference ends soon, with Cancelled, unless it was over before."""
        self.requested = True
        if self._running is not None:
            self._running.terminate = True

    def watch(self, running: Any) -> None:
        """`running.terminate` will become True when the inference is to end."""
        self._running = running
        if self.requested:
            running.terminate = True
