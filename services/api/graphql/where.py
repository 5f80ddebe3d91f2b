"""The filters of the schema (`..._bool_exp`), applied to rows in memory."""

from collections.abc import Callable, Mapping
from operator import eq, ge, gt, le, lt, ne
from typing import Any

Row = Mapping[str, Any]


def matches(row: Row, where: Mapping[str, Any] | None) -> bool:
    """Whether a row matches: every condition of the filter must hold. No filter matches all."""
    return all(_holds(row, name, inner) for name, inner in (where or {}).items())


def _holds(row: Row, name: str, inner: Any) -> bool:
    match name:
        case "_and":
            return all(matches(row, one) for one in inner or [])
        case "_or":
            return any(matches(row, one) for one in inner or [])
        case "_not":
            return not matches(row, inner)
    value = row.get(name)
    if isinstance(value, Mapping):
        return matches(value, inner)
    return all(_COMPARE[operator](value, than) for operator, than in (inner or {}).items())


def _compare(operator: Callable[[Any, Any], bool]) -> Callable[[Any, Any], bool]:
    """A comparison that is false for null, as in SQL."""
    return lambda value, than: value is not None and than is not None and operator(value, than)


def _like(value: str, pattern: str) -> bool:
    """SQL's: `%` is any text, `_` any character.

    Each part between two `%` is where it can be first; a regular expression would try all places.
    """
    if "%" not in pattern:
        return len(value) == len(pattern) and _is_at(value, 0, pattern)
    first, *middle, last = pattern.split("%")
    end = len(value) - len(last)
    if not (len(first) <= end and _is_at(value, 0, first) and _is_at(value, end, last)):
        return False
    at = len(first)
    for part in middle:
        places = range(at, end - len(part) + 1)
        at = next((one for one in places if _is_at(value, one, part)), -1) + len(part)
        if at < len(part):
            return False
    return True


def _is_at(value: str, at: int, part: str) -> bool:
    """Whether `part` is at that place of `value`; `_` in it is any character."""
    there = value[at : at + len(part)]
    return len(there) == len(part) and all(p in ("_", c) for c, p in zip(there, part, strict=True))


_COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "_eq": _compare(eq),
    "_neq": _compare(ne),
    "_gt": _compare(gt),
    "_gte": _compare(ge),
    "_lt": _compare(lt),
    "_lte": _compare(le),
    "_in": _compare(lambda value, than: value in than),
    "_nin": _compare(lambda value, than: value not in than),
    "_like": _compare(_like),
    "_ilike": _compare(lambda value, than: _like(value.lower(), than.lower())),
    "_is_null": lambda value, than: than is None or (value is None) == than,
}
