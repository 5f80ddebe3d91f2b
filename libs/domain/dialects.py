"""What other dialects of cron write and ours would misread: refused, with what to write instead."""

import re
from collections.abc import Mapping

from libs.domain.errors import Rejected

_FIVE = ("minute", "hour", "day", "month", "weekday")
ORDERS = {5: _FIVE, 6: ("second", *_FIVE), 7: ("second", *_FIVE, "year")}
WITH_YEAR = ("second", "minute", "hour", "day", "month", "year")

# How many values there are, and the first and the last of them.
_VALUES = {
    "second": (60, "0", "59"),
    "minute": (60, "0", "59"),
    "hour": (24, "0", "23"),
    "day": (31, "1", "31"),
    "month": (12, "1", "12"),
    "weekday": (7, "0", "6"),
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
_ZONE = re.compile(r"(CRON_)?TZ=", re.IGNORECASE)
_WRAPPED = re.compile(r"(cron|rate|at)\(", re.IGNORECASE)


def refused(expression: str, what: str, remedy: str = _HELP) -> Rejected:
    return Rejected("invalid", f"schedule: {expression[:_SHOWN]!r}: {what}; {remedy}; {_ALL}")


def check_whole(expression: str) -> None:
    """Rejected for what surrounds the fields in another dialect."""
    if _ZONE.match(expression.lstrip()):
        raise refused(expression, "a zone among the fields", "give it as the field 'zone'")
    if _WRAPPED.match(expression.lstrip()):
        raise refused(expression, "brackets around the fields", "give the fields alone")


def check(expression: str, fields: Mapping[str, str]) -> None:
    """Rejected for a field that can't be meant so; `fields` are by their name in the order that is
    assumed."""
    for name, value in fields.items():
        if "?" in value:
            _check_any(expression, fields, name, value)
        if name != "year":
            for term in value.upper().split(","):
                _check_step(expression, name, term)
                _check_range(expression, name, term)
    if fields.get("day") == "?" and "second" in fields and "weekday" in fields:
        _check_weekday(expression, fields["weekday"].upper())


def _check_any(expression: str, fields: Mapping[str, str], name: str, value: str) -> None:
    if value == "?" and name in ("day", "weekday"):
        return
    if value != "?":
        raise refused(expression, f"{value!r} is no {name}", "give '?' alone, or '*'")
    remedy = "give '*' there"
    last = [*fields.values()][-1]
    if len(fields) == 6 and name in ("hour", "month") and (last == "*" or last[:4].isdecimal()):
        moved = f"0 {' '.join(fields.values())}"
        remedy = f"if its order is minute hour day month weekday year, give {moved[:_SHOWN]!r}"
    raise refused(expression, f"'?' as the {name}, but it is for a day or weekday only", remedy)


def _check_step(expression: str, name: str, term: str) -> None:
    count = _VALUES[name][0]
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
    _, lowest, highest = _VALUES[name]
    to_end = found[1] if first >= int(highest) else f"{found[1]}-{highest}"
    begun = found[2] if last == int(lowest) else f"{lowest}-{found[2]}"
    what = f"{term!r} goes backwards in the {name}"
    raise refused(expression, what, f"give {to_end + ',' + begun!r}")


def _number(name: str, text: str) -> int | None:
    if text.isdecimal():
        number = int(text)
        return number if int(_VALUES[name][1]) <= number <= int(_VALUES[name][2]) + 1 else None
    names = _NAMES.get(name, [])
    return names.index(text) if text in names else None


def _check_weekday(expression: str, value: str) -> None:
    """Quartz has a `?` for the day and counts from SUN=1. A 0 is none of its numbers, and all days
    are the same for both."""
    numbers = re.findall(r"(?<![#/\d])\d", value)
    if numbers and "0" not in numbers and value not in ("1-7", "*", "?"):
        what = f"the weekday {value!r} is another one where SUN is 1"
        raise refused(expression, what, "give names such as MON-FRI, or '*' for the day")
