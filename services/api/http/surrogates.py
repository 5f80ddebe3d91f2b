"""Halves of surrogate pairs in JSON: `"\\ud800"` alone is no character, and no text can hold it."""

import json
from typing import Any


def field_with_half(body: bytes) -> str | None:
    """The path of the first one, such as `json.names[0]`; None if there is none, or no JSON."""
    try:
        return _path(json.loads(body), "")
    except (ValueError, RecursionError):
        return None


def _path(value: Any, here: str) -> str | None:
    match value:
        case str():
            return (here or "body") if _is_half(value) else None
        case list():
            inner = ((item, f"{here}[{index}]") for index, item in enumerate(value))
        case dict():
            if any(map(_is_half, value)):
                return here or "body"
            inner = ((item, f"{here}.{name}" if here else name) for name, item in value.items())
        case _:
            return None
    return next((path for item, at in inner if (path := _path(item, at))), None)


def _is_half(text: str) -> bool:
    return any("\ud800" <= char <= "\udfff" for char in text)
