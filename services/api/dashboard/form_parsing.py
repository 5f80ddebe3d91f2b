"""From a form's fields to what the API's handlers take, checked as the API checks it."""

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
    """Fields that were left empty are left out. Rejected("invalid") names the one at fault."""
    filled = {name: value for name, value in fields.items() if value not in ("", None)}
    return convert(kind, filled)


def json_object(field: str, text: str) -> dict[str, Any]:
    """What somebody has typed as JSON; nothing is an empty object."""
    try:
        return msgspec.json.decode(text.strip() or "{}", type=dict[str, Any])
    except (msgspec.DecodeError, RecursionError):
        raise Rejected(
            "invalid",
            f'{field}: this is no JSON object; write one such as {{"host": "db.example"}}',
        ) from None


def path_id(visit: PageContext, name: str) -> UUID:
    """The id in the page's address."""
    text = visit.context.request.match_info[name]
    if (id := uuid(text)) is None:
        raise Rejected("not_found", f"{name}: there is no {name} {text[:40]!r}")
    return id


def number(text: str) -> int:
    """From 1; 0 for what is none."""
    return text_number(text) or 0


async def allowed(access: Awaitable[object]) -> bool:
    """Whether `access` lets the visitor; for showing a button, not for heeding it."""
    try:
        await access
    except Rejected:
        return False
    return True
