"""The filters of the schema (`..._bool_exp`), applied to rows that are at hand."""

import re
from collections.abc import Callable, Mapping
from operator import eq, ge, gt, le, lt, ne
from typing import Any

Row = Mapping[str, Any]


def matches(row: Row, where: Mapping[str, Any] | None) -> bool:
    """No filter matches all; in one, everything that it says must hold."""
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
    """As in SQL nothing compares to null."""
    return lambda value, than: value is not None and than is not None and operator(value, than)


def _like(value: str, pattern: str, flags: int = 0) -> bool:
    parts = (".*" if c == "%" else "." if c == "_" else re.escape(c) for c in pattern)
    return re.fullmatch("".join(parts), value, flags | re.DOTALL) is not None


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
    "_ilike": _compare(lambda value, than: _like(value, than, re.IGNORECASE)),
    "_is_null": lambda value, than: than is None or (value is None) == than,
}
