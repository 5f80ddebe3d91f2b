"""The filters of the schema (`..._bool_exp`), applied to rows in memory."""

from collections.abc import Callable, Mapping, Sequence
from operator import eq, ge, gt, itemgetter, le, lt, ne
from typing import Any

Row = dict[str, Any]
Where = Mapping[str, Any]


def conditions(where: Where | None, *path: str) -> list[Where]:
    """All comparisons that must hold for what is at `path` of a row, those in `_and` too."""
    if not where:
        return []
    inner = where.get(path[0])
    here = [inner] if len(path) == 1 else conditions(inner, *path[1:])
    among = [found for one in where.get("_and") or [] for found in conditions(one, *path)]
    return [one for one in here if one] + among


def must_equal(where: Where | None, *path: str) -> Any:
    """What a row that matches has at `path`; None if the filter does not say."""
    return next((one["_eq"] for one in conditions(where, *path) if "_eq" in one), None)


def ordered(rows: list[Row], by: Sequence[Mapping[str, str]] | None) -> list[Row]:
    """In the order of the first entry, and where that says nothing, of the next. Nothing that is
    sorted by is ever null."""
    for name, direction in reversed([pair for one in by or [] for pair in one.items()]):
        rows = sorted(rows, key=itemgetter(name), reverse=direction.startswith("desc"))
    return rows


def matches(row: Mapping[str, Any], where: Where | None) -> bool:
    """Whether a row matches: every condition of the filter must hold. No filter matches all."""
    return all(_holds(row, name, inner) for name, inner in (where or {}).items())


def _holds(row: Mapping[str, Any], name: str, inner: Any) -> bool:
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
