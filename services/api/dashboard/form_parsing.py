"""Fields of a form as typed bodies of commands, checked as the API checks them."""

from collections.abc import Awaitable, Mapping
from typing import Any, TypeVar
from uuid import UUID

import msgspec

from libs.domain.errors import Rejected
from services.api.dashboard.page_context import PageContext
from services.api.http.decode import convert
from services.api.text import number as text_number
from services.api.text import uuid

Body = TypeVar("Body")


def body(kind: type[Body], fields: Mapping[str, Any]) -> Body:
    """A `kind` from the fields that are not empty. Rejected("invalid") names the wrong one."""
    filled = {name: value for name, value in fields.items() if value not in ("", None)}
    return convert(kind, filled)


def json_object(field: str, text: str) -> dict[str, Any]:
    """Typed JSON; an empty text is an empty object. Rejected("invalid") if it is no object."""
    try:
        return msgspec.json.decode(text.strip() or "{}", type=dict[str, Any])
    except (msgspec.DecodeError, RecursionError):
        raise Rejected(
            "invalid",
            f'{field}: this is no JSON object; write one such as {{"host": "db.example"}}',
        ) from None


def path_id(visit: PageContext, name: str) -> UUID:
    """The id in the address of the page. Rejected("not_found") if it is no UUID."""
    text = visit.context.request.match_info[name]
    if (id := uuid(text)) is None:
        raise Rejected("not_found", f"{name}: there is no {name} {text[:40]!r}")
    return id


def path_number(visit: PageContext, name: str) -> int:
    """As `path_id`, of what is known by a number."""
    text = visit.context.request.match_info[name]
    if not (number := text_number(text)):
        raise Rejected("not_found", f"{name}: there is no {name} {text[:40]!r}")
    return number


def number(text: str) -> int:
    """A number from 1, or 0 for anything else."""
    return text_number(text) or 0


async def allowed(access: Awaitable[object]) -> bool:
    """Whether `access` allows it: to show a button, not to decide about a command."""
    try:
        await access
    except Rejected:
        return False
    return True
