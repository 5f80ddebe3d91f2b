"""Style sheet, scripts and pictures: in memory, under an address that changes with their bytes.

So a browser keeps them for ever, and scripts may import each other by relative paths.
"""

import mimetypes
from hashlib import sha256
from importlib.resources import files

from aiohttp import web

_FOREVER = "public, max-age=31536000, immutable"
_FILES = {
    entry.name: entry.read_bytes()
    for entry in (files("services.api.dashboard") / "static").iterdir()
    if entry.name.endswith((".css", ".js", ".svg"))
}
_VERSION = sha256(b"\0".join(name.encode() + _FILES[name] for name in sorted(_FILES))).hexdigest()

PATH = f"/static/{_VERSION[:16]}"


def url(name: str) -> str:
    """The address of a file in static/. KeyError if there is none."""
    _FILES[name]
    return f"{PATH}/{name}"


async def serve(request: web.Request) -> web.Response:
    """Serve a file, also under the address of another version: a page may be older than us."""
    name = request.match_info["name"]
    if name not in _FILES:
        raise web.HTTPNotFound
    tag = sha256(_FILES[name]).hexdigest()[:16]
    current = request.match_info["version"] == _VERSION[:16]
    headers = {
        "ETag": f'"{tag}"',
        "Cache-Control": _FOREVER if current else "no-cache",
        "X-Content-Type-Options": "nosniff",
    }
    if any(known.value == tag for known in request.if_none_match or ()):
        return web.Response(status=304, headers=headers)
    kind, _ = mimetypes.guess_type(name)
    return web.Response(body=_FILES[name], content_type=kind or "", headers=headers)
