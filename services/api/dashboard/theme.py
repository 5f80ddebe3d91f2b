"""Light, dark, or as the system has it: a choice kept in a cookie."""

from typing import Literal

from aiohttp import web

Theme = Literal["light", "dark", "system"]

_COOKIE = "rondo_theme"


def theme(request: web.Request) -> Theme:
    match request.cookies.get(_COOKIE):
        case "light":
            return "light"
        case "dark":
            return "dark"
    return "system"


def keep(response: web.Response, chosen: str) -> None:
    known = chosen if chosen in ("light", "dark") else "system"
    response.set_cookie(_COOKIE, known, samesite="Lax", httponly=True, max_age=31536000)
