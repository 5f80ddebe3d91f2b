"""Connections of callers in a gateway: how many there may be, and whose they are."""

import asyncio
import socket
from pathlib import Path
from typing import cast

from libs.service.handover import Channel
from services.inference.gateway.callers import Callers
from services.inference.gateway.gateway import Gateway
from tests.inference.front import BODY, Front, answer, caller, request
from tests.inference.service import Service

NOBODY = cast(Gateway, None)  # nobody asks for anything


async def test_of_too_many_callers_the_one_that_is_quiet_longest_makes_room() -> None:
    callers = Callers(NOBODY, 1 << 20, most=2)
    pairs = [socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET), *map(_pair, range(3))]
    ends = [
        Channel(end, lambda connection, _: connection.close(), lambda: None) for end in pairs[0]
    ]
    streams = []
    for ours, theirs in pairs[1:]:
        ours.setblocking(False)
        callers.take(ends[0], ours, b"")
        streams.append(await asyncio.open_unix_connection(sock=theirs))

    first, *others = [reader for reader, _ in streams]
    assert await first.read() == b""
    assert not any(reader.at_eof() for reader in others)
    await callers.leave(5)
    for end in ends:
        end.close()
    for _, writer in streams:
        writer.close()


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


def _pair(_: int) -> tuple[socket.socket, socket.socket]:
    return socket.socketpair()
