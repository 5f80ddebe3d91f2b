"""Whether what is sent to the streams gets to the disk: known from the appends that happen anyway.

A server whose disk was full once refuses each append to that stream until it is started again, and
answers all other questions meanwhile. So only an append tells.
"""

import time
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager

from libs.domain.errors import Unavailable
from libs.eventlog.message import ApiError, Message, checked

_FULL = "maximum "  # a stream at its own limit says so and is well: `maximum bytes exceeded`
Request = Callable[[str, bytes, Mapping[str, str] | None], Awaitable[Message]]

_REMEMBERED = 60.0  # seconds after the last failure; nobody may want to append to that stream again


class Appends:
    """Of one connection. Streams are told apart by the first word of their subjects."""

    def __init__(self, request: Request, clock: Callable[[], float] = time.monotonic) -> None:
        self._request = request
        self._clock = clock
        self._failed: dict[str, tuple[float, float]] = {}  # since when, and when last

    async def append(
        self, subject: str, data: bytes = b"", headers: Mapping[str, str] | None = None
    ) -> bytes:
        """Into the stream that has this subject: what the server says once it is on its disk.

        ApiError when it says no; Unavailable when no answer came, or the server can't.
        """
        with self._noted(subject):
            return checked((await self._request(subject, data, headers)).data)

    @contextmanager
    def _noted(self, subject: str) -> Iterator[None]:
        stream = subject.partition(".")[0]
        try:
            yield
        except Unavailable as problem:
            if _FULL not in str(problem):
                since, _ = self._failed.get(stream, (self._clock(), 0.0))
                self._failed[stream] = since, self._clock()
            raise
        except ApiError:  # it has an opinion of the event, and none of its disk
            raise
        self._failed.pop(stream, None)

    def forget(self) -> None:
        """The server may be another one now."""
        self._failed.clear()

    def failing(self) -> float | None:
        """For how many seconds the worst stream has taken nothing; None when all do."""
        now = self._clock()
        spans = [now - first for first, last in self._failed.values() if now - last < _REMEMBERED]
        return max(spans, default=None)

    def check(self) -> None:
        """Raises Unavailable while there is a stream that takes nothing."""
        if (seconds := self.failing()) is not None:
            raise Unavailable(f"a stream has taken nothing for {seconds:.0f} s")
