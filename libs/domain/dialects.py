"""What other dialects of cron write and ours would misread: refused, with what to write instead."""

import re
from collections.abc import Mapping

from libs.domain.errors import Rejected

_FIVE = ("minute", "hour", "day", "month", "weekday")
ORDERS = {5: _FIVE, 6: ("second", *_FIVE), 7: ("second", *_FIVE, "year")}
WITH_YEAR = ("second", "minute", "hour", "day", "month", "year")

# How many values there are, the first and the last of them, and what may be given.
_VALUES = {
    "second": (60, "0", "59", "0 to 59"),
    "minute": (60, "0", "59", "0 to 59"),
    "hour": (24, "0", "23", "0 to 23"),
    "day": (31, "1", "31", "1 to 31, L or LW"),
    "month": (12, "1", "12", "1 to 12, or JAN to DEC"),
    "weekday": (7, "0", "6", "0 to 7, SUN to SAT, one such as FRI#2 or 5L"),
}
_NAMES = {
    "month": [
        "",
        *["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"],
    ],
    "weekday": ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"],
}
_SHOWN = 80
_HELP = "give five cron fields such as '*/5 * * * *', or a macro such as @daily"
_ALL = (
    f"five fields are {' '.join(_FIVE)}; six begin with a second, and may end with a year in the"
    " weekday's place; seven have a second and a year; docs/schedules.md has all of it"
)
_RANGE = re.compile(r"([0-9A-Z]+)-([0-9A-Z]+)")
_STEP = re.compile(r"/([0-9]+)", re.ASCII)
_OF_MONTH = re.compile(r"([0-9A-Z]+)#[1-5]|([0-7])L", re.ASCII)
_ZONE = re.compile(r"(CRON_)?TZ=", re.IGNORECASE)
_WRAPPED = re.compile(r"(cron|rate|at)\s*\(", re.IGNORECASE)
_ODD = re.compile(r"[^ -~\t\n\r\xa0]")  # what is pasted from a page may have its spaces
_COMMENT = re.compile(r"\s#")


def refused(expression: str, what: str, remedy: str = _HELP) -> Rejected:
    """Rejected("invalid"): `what` is wrong in `expression`, and what to give instead."""
    return Rejected("invalid", f"schedule: {expression[:_SHOWN]!r}: {what}; {remedy}; {_ALL}")


def check_whole(expression: str) -> None:
    """Rejected for what surrounds the fields in another dialect, and for what no dialect has."""
    if odd := _ODD.search(expression):
        raise refused(expression, f"{odd[0]!r} is none of cron's characters")
    if _ZONE.match(expression.lstrip()):
        raise refused(expression, "a zone among the fields", "give it as the field 'zone'")
    if _WRAPPED.match(expression.lstrip()):
        raise refused(expression, "brackets around the fields", "give the fields alone")
    if _COMMENT.search(expression):
        raise refused(expression, "a comment behind the fields", "give the fields alone")


def check(expression: str, fields: Mapping[str, str]) -> None:
    """Rejected for a field that can't be meant so; `fields` are by their name in the order that is
    assumed."""
    _check_fields(expression, fields)
    if fields.get("day") == "?" and "second" in fields and "weekday" in fields:
        _check_weekday(expression, fields["weekday"].upper())


def _check_fields(expression: str, fields: Mapping[str, str]) -> None:
    for name, value in fields.items():
        if "?" in value:
            _check_any(expression, fields, name, value)
        if name != "year":
            for term in value.upper().split(","):
                _check_term(expression, fields, name, term)
                _check_step(expression, name, term)
                _check_range(expression, name, term)


def _check_any(expression: str, fields: Mapping[str, str], name: str, value: str) -> None:
    if value == "?" and name in ("day", "weekday"):
        return
    if value != "?":
        raise refused(expression, f"{value!r} is no {name}", "give '?' alone, or '*'")
    remedy = _other_order(fields, name) or "give '*' there"
    raise refused(expression, f"'?' as the {name}, but it is for a day or weekday only", remedy)


def _other_order(fields: Mapping[str, str], name: str) -> str:
    """The remedy for EventBridge's order: what is odd here may be right there."""
    moved = ("0", *fields.values())
    if len(fields) != 6 or name not in ("hour", "month"):
        return ""
    if moved[-1] != "*" and not moved[-1][:4].isdecimal():
        return ""
    try:
        _check_fields("", dict(zip(ORDERS[7], moved, strict=True)))
    except Rejected:
        return ""
    given = " ".join(moved)[:_SHOWN]
    return f"if its order is minute hour day month weekday year, give {given!r}"


def _check_term(expression: str, fields: Mapping[str, str], name: str, term: str) -> None:
    """It has to be one of ours, since cronsim takes some that mean nothing: `L/2`, and `5-5/2` for
    more than a 5."""
    body, slash, step = term.partition("/")
    ends = body.split("-")
    known = body == "*" or (len(ends) <= 2 and all(_number(name, end) is not None for end in ends))
    stepped = not slash or (step.isdecimal() and int(step) > 0)
    if not (known and stepped) and not _is_special(name, term):
        remedy = _other_order(fields, name) or (
            f"give {_VALUES[name][3]}, a range, or '*'; with a step from 1 on, or without"
        )
        raise refused(expression, f"{term!r} is no {name}", remedy)
    if slash and len(ends) == 2 and len({_number(name, end) for end in ends}) == 1:
        what = f"{term!r} is a step in a range of one {name}"
        raise refused(expression, what, f"give {ends[0]!r}, or {ends[0] + '/' + step!r}")


def _is_special(name: str, term: str) -> bool:
    if name == "day":
        return term in ("L", "LW", "?")
    found = _OF_MONTH.fullmatch(term) if name == "weekday" else None
    return (name, term) == ("weekday", "?") or (
        found is not None and _number(name, found[1] or found[2]) is not None
    )


def _check_step(expression: str, name: str, term: str) -> None:
    count, *_ = _VALUES[name]
    for step in _STEP.findall(term):
        if int(step) > count:
            what = f"{term!r} steps over the whole {name}, which has {count} values"
            raise refused(expression, what, f"give a step of at most {count}")


def _check_range(expression: str, name: str, term: str) -> None:
    found = _RANGE.match(term)
    if found is None:
        return
    first, last = (_number(name, text) for text in found.groups())
    if first is None or last is None or first <= last:
        return
    _, lowest, highest, _ = _VALUES[name]
    to_end = found[1] if first >= int(highest) else f"{found[1]}-{highest}"
    begun = found[2] if last == int(lowest) else f"{lowest}-{found[2]}"
    what = f"{term!r} goes backwards in the {name}"
    raise refused(expression, what, f"give {to_end + ',' + begun!r}")


def _number(name: str, text: str) -> int | None:
    """What it stands for in that field; none if it stands for nothing."""
    if text.isdecimal():
        _, lowest, highest, _ = _VALUES[name]
        number = int(text)
        also = name == "weekday" and number == 7  # Sunday, as 0 is
        return number if also or int(lowest) <= number <= int(highest) else None
    names = _NAMES.get(name, [])
    return names.index(text) if text and text in names else None


def _check_weekday(expression: str, value: str) -> None:
    """Quartz has a `?` for the day and counts from SUN=1. A 0 is none of its numbers, and all days
    are the same for both."""
    numbers = re.findall(r"(?<![#/\d])\d", value)
    if numbers and "0" not in numbers and value not in ("1-7", "*", "?"):
        what = f"the weekday {value!r} is another one where SUN is 1"
        raise refused(expression, what, "give names such as MON-FRI, or '*' for the day")
