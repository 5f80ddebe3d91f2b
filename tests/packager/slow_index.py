"""An index of one large wheel, which it gives away piece by piece as a test says."""

import asyncio
import hashlib
import io
import os
import zipfile
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from aiohttp import web

NAME = "large"
SHOWN = "large (2.0MiB)"
PIECE = 256 << 10
_FILE = f"{NAME}-1.0-py3-none-any.whl"
_METADATA = f"Metadata-Version: 2.1\nName: {NAME}\nVersion: 1.0\n".encode()


def _wheel() -> bytes:
    """Large enough for uv to tell that it fetches it: from 1 MiB on."""
    info, buffer = f"{NAME}-1.0.dist-info", io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr(f"{NAME}/__init__.py", "")
        archive.writestr(f"{NAME}/data.bin", os.urandom(2 << 20))
        archive.writestr(f"{info}/METADATA", _METADATA)
        wheel = "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        archive.writestr(f"{info}/WHEEL", wheel)
        names = [*archive.namelist(), f"{info}/RECORD"]
        archive.writestr(f"{info}/RECORD", "".join(f"{name},,\n" for name in names))
    return buffer.getvalue()


async def _nothing(*_: object) -> None: ...


class SlowIndex:
    """`on_page` is awaited before the list of files is sent, `on_piece` after each piece of the
    wheel, with the bytes sent so far. After `max_bytes` nothing comes any more."""

    def __init__(
        self,
        on_page: Callable[[], Awaitable[object]] = _nothing,
        on_piece: Callable[[int], Awaitable[object]] = _nothing,
        max_bytes: int | None = None,
    ) -> None:
        self._on_page = on_page
        self._on_piece = on_piece
        self._wheel = _wheel()
        self._max_bytes = len(self._wheel) if max_bytes is None else max_bytes
        self.url = ""

    async def page(self, _: web.Request) -> web.Response:
        await self._on_page()
        digest = hashlib.sha256(self._wheel).hexdigest()
        core = hashlib.sha256(_METADATA).hexdigest()
        link = f'<a href="/{_FILE}#sha256={digest}" data-core-metadata="sha256={core}">{_FILE}</a>'
        return web.Response(
            text=f"<!DOCTYPE html><html><body>{link}</body></html>", content_type="text/html"
        )

    async def metadata(self, _: web.Request) -> web.Response:
        return web.Response(body=_METADATA)

    async def wheel(self, request: web.Request) -> web.StreamResponse:
        answer = web.StreamResponse(headers={"Content-Length": str(len(self._wheel))})
        await answer.prepare(request)
        for at in range(0, self._max_bytes, PIECE):
            if request.transport is None or request.transport.is_closing():
                return answer
            piece = self._wheel[at : min(at + PIECE, self._max_bytes)]
            await answer.write(piece)
            await self._on_piece(at + len(piece))
        if self._max_bytes < len(self._wheel):
            await asyncio.Event().wait()
        return answer


@asynccontextmanager
async def serving(index: SlowIndex) -> AsyncIterator[SlowIndex]:
    app = web.Application()
    app.router.add_get(f"/simple/{NAME}/", index.page)
    app.router.add_get(f"/{_FILE}.metadata", index.metadata)
    app.router.add_get(f"/{_FILE}", index.wheel)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    host, port = runner.addresses[0][:2]
    index.url = f"http://{host}:{port}/simple"
    try:
        yield index
    finally:
        await runner.cleanup()
