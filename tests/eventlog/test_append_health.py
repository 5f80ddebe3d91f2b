"""What an append tells of the server's disk, and what it does not."""

from collections.abc import Mapping

import pytest

from libs.domain.errors import Unavailable
from libs.eventlog.append_health import AppendHealth
from libs.eventlog.message import ApiError, Message

STORED = b'{"stream": "EVENTS", "seq": 1}'
NO_SPACE = b'{"error": {"code": 503, "err_code": 10077, "description": "no space left on device"}}'
AT_ITS_LIMIT = (
    b'{"error": {"code": 503, "err_code": 10077, "description": "maximum bytes exceeded"}}'
)
LOST_RACE = b'{"error": {"code": 400, "err_code": 10071, "description": "wrong last sequence"}}'


class Server:
    """Answers what it is told to; nothing, after `None`."""

    def __init__(self) -> None:
        self.answer: bytes | None = STORED
        self.now = 0.0
        self.appends = AppendHealth(self.request, lambda: self.now)

    async def request(self, subject: str, _: bytes, headers: Mapping[str, str] | None) -> Message:
        if self.answer is None:
            raise Unavailable("it did not answer")
        return Message("inbox", b"", self.answer)

    async def append(self, subject: str, answer: bytes | None, at: float) -> None:
        self.answer, self.now = answer, at
        try:
            await self.appends.append(subject)
        except (Unavailable, ApiError):
            return


@pytest.mark.parametrize("answer", [NO_SPACE, None])
async def test_it_fails_until_that_stream_takes_something(answer: bytes | None) -> None:
    server = Server()
    await server.append("event.1.task.x", answer, at=10)
    with pytest.raises(Unavailable):
        server.appends.check()
    await server.append("event.1.task.y", answer, at=17)
    await server.append("status.api.x", STORED, at=18)  # another stream's file may be well
    assert server.appends.failing_seconds() == 8
    await server.append("event.1.task.z", STORED, at=19)
    server.appends.check()


@pytest.mark.parametrize("answer", [STORED, LOST_RACE, AT_ITS_LIMIT])
async def test_a_server_that_has_a_reason_is_well(answer: bytes) -> None:
    server = Server()
    await server.append("log.1.x", answer, at=1)
    assert server.appends.failing_seconds() is None


async def test_a_refusal_of_the_event_says_nothing_of_the_disk() -> None:
    server = Server()
    await server.append("event.x", NO_SPACE, at=1)
    await server.append("event.x", LOST_RACE, at=2)
    assert server.appends.failing_seconds() == 1


async def test_what_nobody_tries_again_is_forgotten_and_so_is_all_of_another_server() -> None:
    server = Server()
    await server.append("parked.x", NO_SPACE, at=0)
    server.now = 59
    assert server.appends.failing_seconds() == 59
    server.now = 61
    assert server.appends.failing_seconds() is None
    await server.append("parked.x", NO_SPACE, at=70)
    server.appends.forget()
    assert server.appends.failing_seconds() is None
