"""On a connection that was handed over, the same bytes are answered as by the api itself."""

import asyncio
import contextlib
import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp import web

from libs.service.http import serving
from tests.inference.front import BODY, Front, caller, request
from tests.inference.service import PATIENCE, Service
from tests.servers import free_port

LENGTH = b"Content-Length: 29\r\n"
NEXT = b"GET /v1/other HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
CHUNKED = b"1d\r\n" + BODY + b"\r\n0\r\n\r\n"
VERSION = b" HTTP/1.1\r\n"


@pytest.fixture
async def plain(stopped_service: Service, front: Front) -> AsyncIterator[Front]:
    """It hands nothing over, and forwards to the same service."""
    front.forwards = True
    one = Front(free_port(), front.gateway)
    one.forwards = True
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", one.answer)
    async with serving(app, f"127.0.0.1:{one.port}"):
        yield one


def header(line: bytes) -> tuple[bytes, bytes]:
    """One more header, before the length."""
    return LENGTH, line + LENGTH


def target(path: bytes) -> tuple[bytes, bytes]:
    return b"/v1/api/pipelines/infer/houses-1/houses" + VERSION, path + VERSION


# What is replaced in a good request, by what.
CASES = {
    "as it should be": (b"", b""),
    "length twice": header(LENGTH),
    "two lengths": header(b"Content-Length: 5\r\n"),
    "length and chunks": header(b"Transfer-Encoding: chunked\r\n"),
    "chunks": (LENGTH + b"\r\n" + BODY, b"Transfer-Encoding: chunked\r\n\r\n" + CHUNKED),
    "chunks in capitals": (
        LENGTH + b"\r\n" + BODY,
        b"TRANSFER-ENCODING: CHUNKED\r\n\r\n" + CHUNKED,
    ),
    "an encoding that is none": header(b"Transfer-Encoding: identity\r\n"),
    "a folded line": header(b"X-Folded: a\r\n b\r\n"),
    "a folded length": (LENGTH, b"Content-Length:\r\n 29\r\n"),
    "a line that ends with LF": (b"Host: x\r\n", b"Host: x\n"),
    "LF in a value": header(b"X-Value: a\nContent-Length: 5\r\n"),
    "CR in a value": header(b"X-Value: a\rb\r\n"),
    "NUL in a value": header(b"X-Value: a\0b\r\n"),
    "a control character in a value": header(b"X-Value: a\x01b\r\n"),
    "a tab in a value": header(b"X-Value:\ta\tb\t\r\n"),
    "no ASCII in a value": header("X-Value: ä\r\n".encode()),
    "a space before the colon": (b"Content-Length:", b"Content-Length :"),
    "a space in a name": header(b"X Value: a\r\n"),
    "a bracket in a name": header(b"X(Value): a\r\n"),
    "no ASCII in a name": header("X-Wörter: a\r\n".encode()),
    "no colon": header(b"X-Value\r\n"),
    "no name": header(b": a\r\n"),
    "an empty value": header(b"X-Value:\r\n"),
    "capitals": (LENGTH, b"CONTENT-LENGTH: 29\r\n"),
    "lower case": (LENGTH, b"content-length: 29\r\n"),
    "no space after the colon": (LENGTH, b"Content-Length:29\r\n"),
    "spaces around the length": (LENGTH, b"Content-Length:   29  \r\n"),
    "a sign": (LENGTH, b"Content-Length: +29\r\n"),
    "a list of lengths": (LENGTH, b"Content-Length: 29, 29\r\n"),
    "a hexadecimal length": (LENGTH, b"Content-Length: 0x1d\r\n"),
    "a zero before the length": (LENGTH, b"Content-Length: 029\r\n"),
    "an underscore in the length": (LENGTH, b"Content-Length: 2_9\r\n"),
    "no digits": (LENGTH, b"Content-Length: \r\n"),
    "a length below zero": (LENGTH, b"Content-Length: -1\r\n"),
    "a length that nobody has": (LENGTH, b"Content-Length: 99999999999999999999\r\n"),
    "no length": (LENGTH, b""),
    "a length of nothing": (LENGTH + b"\r\n" + BODY, b"Content-Length: 0\r\n\r\n"),
    "a body that is too short for its length": (LENGTH, b"Content-Length: 40\r\n"),
    "a body that is longer than its length": (LENGTH, b"Content-Length: 20\r\n"),
    "no host": (b"Host: x\r\n", b""),
    "two hosts": header(b"Host: y\r\n"),
    "two tokens": header(b"Authorization: Bearer bad\r\n"),
    "close": header(b"Connection: close\r\n"),
    "close in capitals": header(b"CONNECTION: CLOSE\r\n"),
    "close in a list": header(b"Connection: keep-alive, close\r\n"),
    "close, then stay": header(b"Connection: close\r\nConnection: keep-alive\r\n"),
    "stay": header(b"Connection: keep-alive\r\n"),
    "an upgrade": header(b"Connection: Upgrade\r\nUpgrade: h2c\r\n"),
    "an expectation": header(b"Expect: 100-continue\r\n"),
    "an expectation that is none": header(b"Expect: 200-ok\r\n"),
    "a compressed body that is none": header(b"Content-Encoding: gzip\r\n"),
    "a line of 9,000 bytes": header(b"X-Value: " + b"a" * 9000 + b"\r\n"),
    "a head of 12,000 bytes": header(
        b"".join(b"X-%d: %b\r\n" % (n, b"a" * 90) for n in range(120))
    ),
    "a head of 40,000 bytes": header(
        b"".join(b"X-%d: %b\r\n" % (n, b"a" * 90) for n in range(400))
    ),
    "HTTP/1.0": (VERSION, b" HTTP/1.0\r\n"),
    "HTTP/1.0 that stays": (VERSION, b" HTTP/1.0\r\nConnection: keep-alive\r\n"),
    "HTTP/1.2": (VERSION, b" HTTP/1.2\r\n"),
    "HTTP/2.0": (VERSION, b" HTTP/2.0\r\n"),
    "a version in lower case": (VERSION, b" http/1.1\r\n"),
    "no version": (VERSION, b"\r\n"),
    "a method in lower case": (b"POST ", b"post "),
    "GET": (b"POST ", b"GET "),
    "HEAD": (b"POST ", b"HEAD "),
    "two spaces": (b"POST ", b"POST  "),
    "a tab": (b"POST ", b"POST\t"),
    "an empty line before": (b"POST ", b"\r\nPOST "),
    "a whole address": target(b"http://x/v1/api/pipelines/infer/houses-1/houses"),
    "a space in the target": target(b"/v1/api/pipelines/infer/houses-1/houses x"),
    "no ASCII in the target": target("/v1/api/pipelines/infer/houses-1/häuser".encode()),
    "a fragment": target(b"/v1/api/pipelines/infer/houses-1/houses#x"),
    "a coded letter": target(b"/v1/api/pipelines/infer/houses%2D1/%68ouses"),
    "a coded slash": target(b"/v1/api/pipelines/infer/houses-1/houses%2Fx"),
    "a code that is none": target(b"/v1/api/pipelines/infer/houses-1/houses%zz"),
    "a slash at the end": target(b"/v1/api/pipelines/infer/houses-1/houses/"),
    "dots": target(b"/v1/api/pipelines/infer/houses-1/../houses-1/houses"),
    "dots for a name": target(b"/v1/api/pipelines/infer/../infer"),
    "a query": target(b"/v1/api/pipelines/infer/houses-1/houses?dataset[]=out&x=%20"),
    "two question marks": target(b"/v1/api/pipelines/infer/houses-1/houses??"),
}


CLOSING = {"close", "close in capitals"}  # what follows is not read, or refused
# What follows is not HTTP.
FIRST_ALONE = {
    "an upgrade",
    "a body that is too short for its length",
    "a body that is longer than its length",
}


async def statuses(front: Front, sent: bytes, *, first_alone: bool = False) -> list[bytes]:
    """Of all answers until the connection is closed, or of the first one."""
    read = b""
    async with caller(front) as (reader, writer):
        writer.write(sent)
        with contextlib.suppress(ConnectionResetError):
            async with asyncio.timeout(PATIENCE):
                while piece := await reader.read(1 << 16):
                    read += piece
                    if first_alone and b"\r\n\r\n" in read:
                        break
    found = re.findall(rb"HTTP/1\.[01] (\d+) ", read)
    return found[:1] if first_alone else found


async def test_the_same_bytes_are_answered_alike(
    stopped_service: Service, front: Front, plain: Front, linear: Path
) -> None:
    deployed = await stopped_service.deploy("houses", linear)
    await deployed.running()
    good = request(deployed) + BODY
    different = {}

    for name, (before, after) in CASES.items():
        assert before in good, name
        sent = good.replace(before, after, 1) + (b"" if name in CLOSING else NEXT)
        ours, theirs = [
            await statuses(one, sent, first_alone=name in FIRST_ALONE) for one in (front, plain)
        ]
        if ours != theirs:
            different[name] = ours, theirs

    assert not different
    assert await statuses(front, good + NEXT) == [b"200", b"200"]
