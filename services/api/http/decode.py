"""JSON to a typed body, or an error that names the field and the remedy."""

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import msgspec

from libs.domain.errors import Rejected
from services.api.http.surrogates import field_with_half

Body = TypeVar("Body")
_HALF = "half of a surrogate pair, such as \\ud800 alone, is no character; leave it out"
# What msgspec says, and what to do about it.
_REMEDIES = {
    "Invalid UUID": "give a UUID as the platform answered it",
    "truncated": "send a JSON object",
    "malformed": "send a JSON object",
    "out of range": "give a smaller number",
    "[0-9a-fA-F]": "give 64 hexadecimal digits",
    "@": "give an email address",
}


def decoder(kind: type[Body]) -> Callable[[bytes], Body]:
    """A function from JSON to `kind`. It raises Rejected("invalid"), which names the field."""
    decode = msgspec.json.Decoder(kind).decode

    def checked(body: bytes) -> Body:
        try:
            return decode(body)
        except RecursionError:
            raise Rejected("invalid", "body: nested too deeply; flatten it") from None
        except UnicodeDecodeError:
            raise Rejected("invalid", "body: not UTF-8; send JSON in UTF-8") from None
        except msgspec.DecodeError as error:
            if (place := field_with_half(body)) is not None:
                raise Rejected("invalid", f"{place}: {_HALF}") from None
            raise Rejected("invalid", _readable(str(error))) from None

    return checked


def convert(kind: type[Body], fields: Mapping[str, Any]) -> Body:
    """A `kind` from Python values, such as those of a form. Raises as `decoder`."""
    try:
        return msgspec.convert(fields, kind)
    except msgspec.ValidationError as error:
        raise Rejected("invalid", _readable(str(error))) from None


def _readable(problem: str) -> str:
    """From "Expected `int`, got `str` - at `$.timeout`" to "timeout: expected int, got str"."""
    what, _, path = problem.partition(" - at `")
    field = path.strip("`").removeprefix("$").removeprefix(".")
    if what.startswith("Object missing required field "):
        missing = what.split("`")[1]
        return f"{field + '.' if field else ''}{missing}: this field is required; add it"
    remedy = next((text for mark, text in _REMEDIES.items() if mark in what), "")
    text = what.replace("`", "").replace("Expected", "expected")
    return f"{field or 'body'}: {text}" + (f"; {remedy}" if remedy else "")
