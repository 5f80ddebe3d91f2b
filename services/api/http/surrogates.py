"""Halves of surrogate pairs in JSON: `"\\ud800"` alone is no character, and no text can hold it."""

import json
from typing import Any


def field_with_half(body: bytes) -> str | None:
    """The place of the first one, as `json.names[0]`; None where there is none, or no JSON."""
    try:
        return _place(json.loads(body), "")
    except (ValueError, RecursionError):
        return None


def _place(found: Any, here: str) -> str | None:
    match found:
        case str():
            return (here or "body") if _is_half(found) else None
        case list():
            inner = ((item, f"{here}[{index}]") for index, item in enumerate(found))
        case dict():
            if any(map(_is_half, found)):
                return here or "body"
            inner = ((value, f"{here}.{name}" if here else name) for name, value in found.items())
        case _:
            return None
    return next((place for item, at in inner if (place := _place(item, at))), None)


def _is_half(text: str) -> bool:
    return any("\ud800" <= char <= "\udfff" for char in text)
