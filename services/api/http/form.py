"""Cookies and URL-encoded forms of a request."""

import hmac
from urllib.parse import parse_qsl

from aiohttp import web
from multidict import MultiDict

from libs.domain.errors import Rejected
from services.api.http.errors import Refusal
from services.api.http.route import FORM

_MAX_FIELDS = 1000
# What a form may be written in: ASCII is UTF-8, and browsers take Latin-1 for what Windows has.
_CHARSETS = {"utf-8": "utf-8", "utf8": "utf-8", "us-ascii": "utf-8", "ascii": "utf-8"}
_CHARSETS |= dict.fromkeys(("iso-8859-1", "latin-1", "latin1", "windows-1252"), "cp1252")


def cookie(request: web.Request, name: str) -> str:
    """The value of a cookie; empty if there is none, or if it is not ASCII, as ours always is."""
    value = request.cookies.get(name, "")
    return value if value.isascii() else ""


def same(value: str, expected: str) -> bool:
    """Whether the token of a form is the expected one, in constant time."""
    return hmac.compare_digest(value.encode(), expected.encode())


async def fields(request: web.Request) -> MultiDict[str]:
    """The fields of a page's form. Empty for anything else, so the form's token is missing too."""
    return await _fields(request, "utf-8") if request.content_type == FORM else MultiDict()


async def strict(request: web.Request) -> MultiDict[str]:
    """The fields of a form. Refusal(415) for anything else, and for a charset that no form has."""
    if request.content_type != FORM:
        raise Refusal(415, "invalid", f"Content-Type: send {FORM}")
    charset = (request.charset or "utf-8").lower()
    if charset not in _CHARSETS:
        raise Refusal(415, "invalid", f"Content-Type: no form is in {charset[:40]!r}; send UTF-8")
    return await _fields(request, _CHARSETS[charset])


async def _fields(request: web.Request, charset: str) -> MultiDict[str]:
    text = (await request.read()).decode(charset, errors="replace")
    try:
        return MultiDict(parse_qsl(text, True, encoding=charset, max_num_fields=_MAX_FIELDS))
    except ValueError:
        raise Rejected("invalid", f"form: over {_MAX_FIELDS} fields; send fewer") from None
