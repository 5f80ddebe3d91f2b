"""Connections of callers in a gateway: how many there may be, and whose they are."""

import asyncio
import contextlib
import socket
import time
from pathlib import Path
from typing import cast
from uuid import UUID

from libs.service.handover import Channel
from services.inference.gateway.callers import Callers
from services.inference.gateway.errors import NoAnswer
from services.inference.gateway.gateway import Gateway
from tests.inference.front import BODY, Front, answer, caller, request
from tests.inference.service import Deployed, Service

NOBODY = cast(Gateway, None)  # nobody asks for anything


async def test_of_too_many_callers_the_one_that_is_quiet_longest_makes_room() -> None:
    callers = Callers(NOBODY, 1 << 20, most=2)
    ends = [Channel(end, lambda connection, _: connection.close(), lambda: None) for end in _ends()]
    streams = []
    for ours, theirs in map(_pair, range(3)):
        ours.setblocking(False)
        callers.take(ends[0], ours, b"")
        streams.append(await asyncio.open_unix_connection(sock=theirs))

    first, *others = [reader for reader, _ in streams]
    assert await first.read() == b""
    assert not any(reader.at_eof() for reader in others)
    await callers.leave(5)
    for _, writer in streams:
        await closed(writer)
    for end in ends:
        end.close()


class Refusing:
    """A gateway that lets nobody in: the body of a request is awaited all the same."""

    def admit(self, _: object) -> None:
        raise NoAnswer(403, b"{}")


async def test_who_sends_or_reads_slowly_is_given_time_and_who_stops_is_not() -> None:
    callers = Callers(cast(Gateway, Refusing()), 1 << 20)
    ours, theirs = _pair(0)
    ours.setblocking(False)
    ends = [Channel(end, lambda connection, _: connection.close(), lambda: None) for end in _ends()]
    head = request(Deployed(cast(Service, None), "a", UUID(int=1), UUID(int=1)))
    callers.take(ends[0], ours, head.replace(b"Length: 29", b"Length: 60000"))
    (one,) = callers.open
    reader, writer = await asyncio.open_unix_connection(sock=theirs)
    writer.write(b"a" * 30_000)
    while one.received < 30_000:  # noqa: ASYNC110 - the loop reads it in a turn or two
        await asyncio.sleep(0)

    now = time.monotonic()
    assert not one.is_late(now)
    one.since = now - 100  # seconds, for which 30,000 bytes are enough
    assert not one.is_late(now)
    assert one.is_late(now + 31)  # nothing more has come
    one.since = now - 300
    assert one.is_late(now)
    one.abort()
    assert await reader.read() == b""
    await closed(writer)
    for end in ends:
        end.close()


async def test_strangers_stay_with_the_api(
    stopped_service: Service, front: Front, linear: Path
) -> None:
    deployed = await stopped_service.deploy("houses", linear)
    await deployed.running()

    async with caller(front) as (reader, writer):
        writer.write(request(deployed, "bad") + BODY)
        assert (await answer(reader))[0] == 401
        await front.returned.wait()
        writer.write(request(deployed) + BODY)
        assert (await answer(reader))[0] == 200


async def closed(writer: asyncio.StreamWriter) -> None:
    writer.close()
    with contextlib.suppress(ConnectionError):
        await writer.wait_closed()


def _pair(_: int) -> tuple[socket.socket, socket.socket]:
    return socket.socketpair()


def _ends() -> tuple[socket.socket, socket.socket]:
    return socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
