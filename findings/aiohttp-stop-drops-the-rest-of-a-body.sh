#!/usr/bin/env bash
# aiohttp 3.14.5: a server that is stopped drops what still comes of a request under way.
# Expected: runner.cleanup() waits up to shutdown_timeout for requests under way; one whose body is
# complete 0.2 s later is answered, as one whose handler only takes 0.2 s longer is.
# Seen: the handler gets no byte of it, is cancelled at the end of shutdown_timeout, and the client
# is cut off without an answer.
# With a grace, libs/service/http.py lets requests under way end before it has aiohttp close.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check aiohttp==3.14.5
"$folder/venv/bin/python" - <<'PY'
import asyncio
import sys

import aiohttp
from aiohttp import web


async def read(request: web.Request) -> web.Response:
    reached.set()
    return web.Response(text=f"{len(await request.read())} bytes")


async def take_long(request: web.Request) -> web.Response:
    reached.set()
    await asyncio.sleep(0.4)
    return web.Response(text="done")


async def answer(path: str, body: bytes) -> bytes:
    """To a request of which one byte has come when the server is stopped."""
    global reached
    reached = asyncio.Event()
    app = web.Application()
    app.router.add_post("/read", read)
    app.router.add_post("/long", take_long)
    runner = web.AppRunner(app, shutdown_timeout=2)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    head = f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n\r\n"
    writer.write(head.encode() + body[:1])
    await reached.wait()
    stopping = asyncio.create_task(runner.cleanup())
    await asyncio.sleep(0.2)
    writer.write(body[1:])
    first = await reader.readline()
    writer.close()
    await stopping
    return first


async def main() -> None:
    slow = await answer("/long", b"1")
    cut = await answer("/read", b"12345")
    print(f"aiohttp {aiohttp.__version__}: a slow handler's client got {slow!r}, that of a slow body {cut!r}")
    sys.exit(0 if slow.startswith(b"HTTP/1.1 200") and not cut.startswith(b"HTTP/1.1 200") else 1)


asyncio.run(main())
PY
