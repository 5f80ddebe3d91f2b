"""Requests that are wrong in every way that a seed makes up: none is our fault, so none gets 500.

They are sent as bytes, since a client would not send most of them. Each route of the tables is in.
"""

import asyncio
import logging
import random
from collections.abc import Callable
from urllib.parse import urlsplit
from uuid import uuid4

import aiohttp
import pytest

from services.api.dashboard.pages import PAGES
from services.api.routes import ROUTES
from tests.api.service import ADMIN, PASSWORD, Service

PATHS = [
    *((route.method, path) for route in ROUTES for path in (route.path, *route.aliases)),
    *((page.method, page.path) for page in PAGES),
    *(("GET", path) for path in ("/signin", "/static/{version}/{name}", "/healthz", "/readyz")),
    *(("GET", path) for path in ("/v1/api/docs", "/v1/api/openapi.json", "/nothing", "/metrics")),
    ("POST", "/signin"),
]
EACH = 24  # requests to a route
AT_ONCE = 8
KNOWN = {
    0,
    200,
    201,
    202,
    204,
    501,
    303,
    304,
    400,
    401,
    403,
    404,
    405,
    409,
    413,
    415,
    417,
    422,
    429,
    503,
}

TYPES = [
    b"application/json",
    b"application/json; charset=nope",
    b"application/x-www-form-urlencoded",
    b"application/x-www-form-urlencoded; charset=nope",
    b"application/x-www-form-urlencoded; charset=utf-16",
    b"application/x-www-form-urlencoded; charset=idna",
    b"application/x-www-form-urlencoded; charset=hex",
    b'application/x-www-form-urlencoded; charset="',
    b"multipart/form-data",
    b"multipart/form-data; boundary=b",
    b"multipart/form-data; boundary=",
    b"multipart/form-data; boundary=" + b"b" * 100,
    b"multipart/mixed; boundary=b",
    b'multipart/form-data; boundary="b',
    b"text/plain; charset=utf-7",
    b"\xff\xfe/\xff",
    b";;;=,",
    b"",
]
FIELD = b'--b\r\nContent-Disposition: form-data; name="file"; filename="a.zip"\r\n'
BODIES = [
    b"",
    b"{}",
    b"[]",
    b'{"id": "\\ud800", "name": "\\udfff", "workspace_id": 1}',
    b'{"workspace_id": 1e400}',
    b'{"workspace_id": -9999999999999999999999}',
    b'{"id": "\xff\xfe"}',
    b"\xef\xbb\xbf{}",
    b"{" * 3000,
    b"client_id=sdk-client&grant_type=password&username=%FF%00&password=%ZZ",
    b"client_id=sdk-client&grant_type=refresh_token&refresh_token=a.b.c",
    b"client_id=sdk-client&grant_type=refresh_token&refresh_token=%F0%9F%92%A9.%00.%ff",
    b"&" * 3000,
    b"%" * 500,
    FIELD + b"\r\nPK\r\n--b--\r\n",
    FIELD + b"Content-Transfer-Encoding: nonsense\r\nContent-Encoding: br\r\n\r\nx\r\n--b--\r\n",
    FIELD + b"Content-Type: multipart/mixed; boundary=c\r\n\r\n--c\r\n\r\nx\r\n--c--\r\n--b--\r\n",
    FIELD + b"Content-Type: text/plain; charset=nope\r\nContent-Length: x\r\n\r\nx\r\n--b--\r\n",
    b"--b\r\n\r\nno name\r\n--b--\r\n",
    b"--b\r\nContent-Disposition\r\n\r\nx\r\n--b--\r\n",
    b"--b\r\nContent-Di",
    b'--b\r\nContent-Disposition: form-data; name="metadata"\r\n\r\n{"workspace_id": "\\ud800"}',
    b"--x\r\n\r\n--x--",
    b"--b--",
    b"\x00" * 64,
]
HEADERS = [
    b"Authorization: Bearer",
    b"Authorization: Bearer \xff\xfe",
    b"Authorization: Bearer a.b.c",
    b"Authorization: Bearer rnd_x",
    b"Authorization: Bearer rnd_\xff",
    b"Authorization: Bearer \xe4.\xe4.\xe4",
    b"Authorization: Basic x",
    b"Cookie: rondo_session=\xff; rondo_workspace=99999999999999999999; ;;=\x01",
    b"Cookie: rondo_device=\xe4; rondo_signin=\xe4; rondo_theme=x",
    b"Content-Encoding: gzip",
    b"Content-Encoding: deflate",
    b"Content-Encoding: br",
    b"Content-Encoding: zstd",
    b"Last-Event-ID: 9223372036854775808",
    b"Last-Event-ID: \xb2",
    b"If-None-Match: \xff",
    b"Idempotency-Key: \xff\xff",
    b"Idempotency-Key: " + b"x" * 4000,
    b"traceparent: 00-00-00-00",
    b"Accept: text/event-stream;q=x",
    b"Accept-Language: \xff",
    b"Origin: http://[::1",
    b"Origin: null",
    b"Sec-Fetch-Site: cross-site",
    b"X-Request-Id: \xff",
    b"X-Forwarded-For: ,,,\xff",
    b"Host: [",
    b"Range: bytes=9-1",
    b"Expect: 100-continue",
    b"Expect: nonsense",
    b"Upgrade: websocket",
]
VALUES = [
    "1",
    "0",
    "-1",
    "x",
    "%00",
    "%FF",
    "%ED%A0%80",
    "9" * 30,
    "%C2%B2",
    "%F0%9F%92%A9",
    "2026-11-30T00:00:00Z",
    "0001-01-01T00:00:00%2B23:59",
    "9999-12-31T23:59:59-23:59",
    "-P1D",
    "a" * 3000,
    "..%2f..%2f",
    str(uuid4()),
    "task:",
    "run:%00",
]
NAMES = ["limit", "after", "since", "before", "workspace", "workspace_id", "start", "end", "type"]
NAMES += ["aggregate", "last", "step", "zone", "schedule", "next", "user_code", "email", "code"]
NAMES += ["state", "q", "page", "status", "day", "task", "lines", "%FF", ""]


def _request(dice: random.Random, method: str, path: str, access: list[bytes]) -> bytes:
    while "{" in path:
        before, _, rest = path.partition("{")
        path = before + dice.choice(VALUES) + rest.partition("}")[2]
    pairs = dice.choices(NAMES, k=dice.randrange(4))
    query = "&".join(f"{name}={dice.choice(VALUES)}" for name in pairs)
    body = dice.choice(BODIES)
    if body and dice.random() < 0.2:
        body = body[: dice.randrange(len(body))]
    head = [f"{method} {path}?{query} HTTP/1.1".encode(), b"Host: a", b"Connection: close"]
    head += [dice.choice(access)] if dice.random() < 0.8 else []
    head += dice.sample(HEADERS, dice.randrange(3))
    head += [b"Content-Type: " + dice.choice(TYPES)] if dice.random() < 0.9 else []
    if method == "GET" and dice.random() < 0.7:
        return b"\r\n".join(head) + b"\r\n\r\n"
    if dice.random() < 0.5:
        head += [b"Transfer-Encoding: chunked"]
        cut = dice.randrange(len(body) + 1)
        parts = [part for part in (body[:cut], body[cut:]) if part]
        body = b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in parts) + b"0\r\n\r\n"
    else:
        head += [b"Content-Length: %d" % len(body)]
    return b"\r\n".join(head) + b"\r\n\r\n" + body


async def _status(url: str, request: bytes) -> int:
    """0 where there is no answer."""
    where = urlsplit(url)
    reader, writer = await asyncio.open_connection(where.hostname, where.port)
    try:
        writer.write(request)
        await writer.drain()
        async with asyncio.timeout(20):
            line = await reader.readline()  # streams go on after it
            while line.startswith(b"HTTP/1.1 100"):
                await reader.readline()
                line = await reader.readline()
        return int(line.split()[1]) if line else 0
    except ConnectionError:
        return 0
    finally:
        writer.transport.abort()


@pytest.fixture
def faults(caplog: pytest.LogCaptureFixture) -> Callable[[], list[str]]:
    """What the service has called its own fault."""

    def told() -> list[str]:
        records = [record for record in caplog.records if record.levelno >= logging.ERROR]
        return [f"{record.getMessage()} {record.exc_text or ''}"[-2000:] for record in records]

    return told


async def _session(service: Service) -> list[bytes]:
    """The headers of somebody who may do everything: a program's, and a browser's."""
    url = service.url + "/signin"
    jar = aiohttp.CookieJar(unsafe=True)
    async with aiohttp.ClientSession(cookie_jar=jar) as browser:
        async with browser.get(url) as page:
            csrf = page.cookies["rondo_signin"].value
        form = {"username": ADMIN, "password": PASSWORD, "csrf": csrf}
        async with browser.post(url, data=form, allow_redirects=False) as answer:
            cookie = answer.cookies["rondo_session"].value
    token = await service.login()
    return [f"Authorization: Bearer {token}".encode(), f"Cookie: rondo_session={cookie}".encode()]


@pytest.mark.filterwarnings("ignore::aiohttp.multipart.BadContentDispositionHeader")
async def test_nothing_that_is_sent_is_our_fault(
    service: Service, faults: Callable[[], list[str]]
) -> None:
    dice = random.Random(20_261_130)
    access = await _session(service)
    asked = [(_request(dice, *where, access), where) for where in PATHS for _ in range(EACH)]
    turns = asyncio.Semaphore(AT_ONCE)

    async def ask(request: bytes) -> int:
        async with turns:
            return await _status(service.url, request)

    statuses = await asyncio.gather(*(ask(request) for request, _ in asked))
    wrong = [
        (status, where, request[:600])
        for status, (request, where) in zip(statuses, asked, strict=True)
        if status == 500 or status not in KNOWN
    ]
    assert not wrong, (len(wrong), wrong[:5], faults())
    assert not faults()
    assert sum(status > 0 for status in statuses) > 0.9 * len(statuses)
    assert (await service.call("GET", "/readyz")).status == 200
