"""Connections that the api has accepted pass to the gateway, and back."""

import asyncio
from pathlib import Path
from uuid import UUID

import aiohttp
import pytest

from tests.inference.front import BODY, Front, answer, ask, caller, request
from tests.inference.service import Deployed, Service


async def test_a_connection_is_handed_over_and_stays(
    stopped_service: Service, front: Front, linear: Path
) -> None:
    deployed = await stopped_service.deploy("houses", linear)
    await deployed.running()

    async with caller(front) as (reader, writer):
        for _ in range(3):
            assert (await ask(reader, writer, deployed))[0] == 200

    assert front.seen == []
    assert len(stopped_service.permits.asked) == 1


async def test_it_comes_back_with_a_request_that_is_not_the_gateway_s(
    stopped_service: Service, front: Front, linear: Path
) -> None:
    deployed = await stopped_service.deploy("houses", linear)
    await deployed.running()

    async with caller(front) as (reader, writer):
        assert (await ask(reader, writer, deployed))[0] == 200
        writer.write(b"GET /v1/other HTTP/1.1\r\nHost: x\r\n\r\n")
        status, head, body = await answer(reader)
        assert (status, body) == (200, b"from the front")
        assert b"Peer: 127.0.0.1" in head

    assert front.seen == ["/v1/other"]


async def test_an_unusual_request_is_the_api_s(
    stopped_service: Service, front: Front, linear: Path
) -> None:
    deployed = await stopped_service.deploy("houses", linear)
    await deployed.running()

    async with caller(front) as (reader, writer):
        writer.write(
            request(deployed).replace(b"Content-Length: 29", b"Transfer-Encoding: chunked")
            + b"0\r\n\r\n"
        )
        assert (await answer(reader))[2] == b"from the front"


async def test_requests_in_pieces_and_in_a_row_are_answered_in_turn(
    stopped_service: Service, front: Front, linear: Path
) -> None:
    deployed = await stopped_service.deploy("houses", linear)
    await deployed.running()
    whole = request(deployed) + BODY

    async with caller(front) as (reader, writer):
        for at in range(0, len(whole), 40):
            writer.write(whole[at : at + 40])
            await writer.drain()
            await asyncio.sleep(0)
        assert (await answer(reader))[0] == 200
        writer.write(whole * 3)
        for _ in range(3):
            status, _, body = await answer(reader)
            assert (status, b"14.1" in body) == (200, True)


@pytest.mark.parametrize(("bearer", "status"), [("good", 404), ("bad", 401)])
async def test_who_is_refused_may_try_again_on_the_connection(
    stopped_service: Service, front: Front, linear: Path, bearer: str, status: int
) -> None:
    deployed = Deployed(stopped_service, "nothing", UUID(int=7), UUID(int=7))

    async with caller(front) as (reader, writer):
        for _ in range(2):
            writer.write(request(deployed, bearer) + BODY)
            found, head, _ = await answer(reader)
            assert found == status
            assert b"application/json" in head


async def test_a_request_of_hundreds_of_kilobytes_is_handed_over_too(
    stopped_service: Service, front: Front, linear: Path
) -> None:
    deployed = await stopped_service.deploy("houses", linear)
    await deployed.running()
    large = b"[" + b",".join([BODY[1:-1]] * 7000) + b"]"

    async with caller(front) as (reader, writer):
        head = request(deployed).replace(b"Length: 29", b"Length: %d" % len(large))
        writer.write(head + large)
        assert (await answer(reader))[0] == 200

    assert front.seen == []


async def test_too_large_a_body_is_refused_before_it_has_come(
    stopped_service: Service, front: Front, linear: Path
) -> None:
    deployed = await stopped_service.deploy("houses", linear)
    await deployed.running()

    async with caller(front) as (reader, writer):
        writer.write(request(deployed).replace(b"Content-Length: 29", b"Content-Length: 999999999"))
        assert (await answer(reader))[0] == 413
        assert await reader.read() == b""


async def test_without_a_gateway_the_front_answers_itself(
    stopped_service: Service, front: Front
) -> None:
    await asyncio.to_thread(stopped_service.stop)
    async with (
        aiohttp.ClientSession() as session,
        session.post(f"http://127.0.0.1:{front.port}/v1/api/pipelines/infer/a-1/a") as found,
    ):
        assert await found.text() == "from the front"
