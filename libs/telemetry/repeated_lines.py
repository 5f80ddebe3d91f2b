"""A line that comes again and again stands in the log once a second, with how often it came.

An error that anybody can bring about would fill the disk otherwise. Lines are the same when they
say the same; of lines from the same place that only differ in ids, so many a second are shown.
"""

import logging
import threading
import time
from collections.abc import Callable

SECOND = 1.0
MAX_ALIKE = 20  # warnings and errors a second from one place
_MAX_KEYS = 1000


class RepeatFilter(logging.Filter):
    """For a handler. What it has kept back it tells a second later, by a record of its own."""

    def __init__(
        self, handler: logging.Handler, clock: Callable[[], float] = time.monotonic
    ) -> None:
        super().__init__()
        self._handler = handler
        self._clock = clock
        self._lock = threading.Lock()
        self._since = clock()
        self._seen: dict[object, int] = {}
        self._kept: dict[object, tuple[logging.LogRecord, int]] = {}
        self._timer: threading.Timer | None = None

    def filter(self, record: logging.LogRecord) -> bool:
        if record.__dict__.get("repeated"):
            return True
        self.emit_due()
        with self._lock:
            said, place = self._keys(record)
            if self._count(said):
                key = said
            elif self._count(place) < MAX_ALIKE or record.levelno < logging.WARNING:
                return True
            else:
                key = place
            if not self._kept:
                self._wake()
            _, before = self._kept.get(key, (record, 0))
            self._kept[key] = record, before + 1
        return False

    def emit_due(self) -> None:
        """Writes what was kept back, once its second is over."""
        with self._lock:
            if self._clock() - self._since < SECOND:
                return
            self._since = self._clock()
            kept, self._kept = self._kept, {}
            self._seen.clear()
        for record, count in kept.values():
            self._handler.handle(_again(record, count))

    def _count(self, key: object) -> int:
        """How often it came in this second before."""
        count = self._seen.get(key, 0)
        if count or len(self._seen) < _MAX_KEYS:
            self._seen[key] = count + 1
        return count

    def _keys(self, record: logging.LogRecord) -> tuple[object, object]:
        place = record.name, record.levelno, str(record.msg)[:200]
        kind = record.exc_info[0] if record.exc_info else None
        return (record.name, record.levelno, record.getMessage(), kind), place

    def _wake(self) -> None:
        """For what is kept from now on: one of before may come too soon for it."""
        self._timer = threading.Timer(SECOND, self.emit_due)
        self._timer.daemon = True
        self._timer.start()


def _again(record: logging.LogRecord, count: int) -> logging.LogRecord:
    made = logging.makeLogRecord(record.__dict__)
    made.msg, made.args = f"{record.getMessage()} (and {count} more like it in a second)", ()
    made.exc_info = made.exc_text = None
    made.__dict__["repeated"] = True
    return made
