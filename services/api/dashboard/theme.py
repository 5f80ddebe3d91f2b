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


def keep(response: web.Response, choice: str) -> None:
    theme = choice if choice in ("light", "dark") else "system"
    response.set_cookie(_COOKIE, theme, samesite="Lax", httponly=True, max_age=31536000)
