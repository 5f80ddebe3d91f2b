"""Whether what is sent to the streams gets to the disk, judged by the appends that happen anyway.

A server whose disk was full once refuses each append to that stream until it is started again. It
answers all other questions meanwhile, so only an append shows it.
"""

import time
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager

from libs.domain.errors import Unavailable
from libs.eventlog.message import ApiError, Message, checked

_STREAM_LIMIT = "maximum "  # said by a stream at its own limit, which is well
Request = Callable[[str, bytes, Mapping[str, str] | None], Awaitable[Message]]

_MEMORY_SECONDS = 60.0  # after the last failure; nobody may want to append to that stream again


class AppendHealth:
    """AppendHealth of one connection, and which streams took none lately.

    `request` sends a message and gives the answer, or raises Unavailable. The first word of a
    subject names the stream.
    """

    def __init__(self, request: Request, clock: Callable[[], float] = time.monotonic) -> None:
        self._request = request
        self._clock = clock
        self._failed: dict[str, tuple[float, float]] = {}  # first and last failure

    async def append(
        self, subject: str, data: bytes = b"", headers: Mapping[str, str] | None = None
    ) -> bytes:
        """AppendHealth to the stream that has this subject, and gives the answer (PubAck, JSON).

        Durable when it returns. ApiError when the server refuses; Unavailable when no answer came,
        which leaves the outcome unknown, or when the server can't append.
        """
        with self._observe(subject):
            return checked((await self._request(subject, data, headers)).data)

    @contextmanager
    def _observe(self, subject: str) -> Iterator[None]:
        stream = subject.partition(".")[0]
        try:
            yield
        except Unavailable as problem:
            if _STREAM_LIMIT not in str(problem):
                since, _ = self._failed.get(stream, (self._clock(), 0.0))
                self._failed[stream] = since, self._clock()
            raise
        except ApiError:  # it has an opinion of the event, and none of its disk
            raise
        self._failed.pop(stream, None)

    def forget(self) -> None:
        """Forgets all failures, since the server may be another one now."""
        self._failed.clear()

    def failing_seconds(self) -> float | None:
        """For how many seconds the worst stream has taken nothing; None when all take appends."""
        now = self._clock()
        spans = [
            now - since for since, last in self._failed.values() if now - last < _MEMORY_SECONDS
        ]
        return max(spans, default=None)

    def check(self) -> None:
        """Raises Unavailable while there is a stream that takes nothing."""
        if (seconds := self.failing_seconds()) is not None:
            raise Unavailable(f"a stream has taken nothing for {seconds:.0f} s")
