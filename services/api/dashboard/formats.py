"""Values as people read them. Instants are in UTC here; a script turns them into local time."""

import textwrap
from datetime import UTC, datetime, timedelta

import msgspec

_UNITS = ("B", "KiB", "MiB", "GiB", "TiB")


def instant(at: datetime) -> str:
    """22 Nov 2026, 09:05:00"""
    return f"{at.astimezone(UTC):%d %b %Y, %H:%M:%S}".lstrip("0")


def in_zone(at: datetime) -> str:
    """Mon 23 Nov 2026, 09:05 CET, in the zone of `at`; with seconds if it has any."""
    clock = "%H:%M:%S" if at.second else "%H:%M"
    return at.strftime(f"%a %d %b %Y, {clock} %Z")


def iso(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def duration(took: timedelta | float) -> str:
    """From 12 ms to 3 d 4 h: two units at most."""
    seconds = took.total_seconds() if isinstance(took, timedelta) else took
    if seconds < 1:
        return f"{max(seconds, 0) * 1000:.0f} ms"
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest} s"
    hours, minutes = divmod(minutes, 60)
    if hours < 24:
        return f"{hours} h {minutes} min"
    return f"{hours // 24} d {hours % 24} h"


def fine(took: timedelta | float) -> str:
    """As `duration`, but from 0.1 ms."""
    seconds = took.total_seconds() if isinstance(took, timedelta) else took
    return f"{max(seconds, 0) * 1000:.1f} ms" if seconds < 0.01 else duration(seconds)


def pretty(value: object) -> str:
    """As indented JSON."""
    return msgspec.json.format(msgspec.json.encode(value), indent=2).decode()


def readable(value: object, room: int = 90) -> str:
    """As JSON, in which what fits `room` characters, or is a list of plain values, is in a line."""
    line = _line(value)
    if len(line) <= room or not isinstance(value, dict | list):
        return line
    if isinstance(value, list):
        if not any(isinstance(one, dict | list) for one in value):
            return line
        parts, ends = [readable(one, room - 2) for one in value], "[]"
    else:
        parts = [f"{_line(name)}: {readable(one, room - 2)}" for name, one in value.items()]
        ends = "{}"
    inner = textwrap.indent(",\n".join(parts), "  ")
    return f"{ends[0]}\n{inner}\n{ends[1]}"


def _line(value: object) -> str:
    return msgspec.json.format(msgspec.json.encode(value), indent=0).decode()


def size(count: float) -> str:
    """From 12 B to 3.4 GiB."""
    steps = 0
    while count >= 1024 and steps < len(_UNITS) - 1:
        count, steps = count / 1024, steps + 1
    return f"{count:.1f} {_UNITS[steps]}" if steps else f"{count:.0f} B"


def plain(message: str) -> str:
    """An error's message without the field that it begins with, as a sentence."""
    field, separator, rest = message.partition(": ")
    text = rest if separator and " " not in field.replace(", ", ",") else message
    return text[:1].upper() + text[1:].rstrip(".") + "."


def field(message: str) -> str:
    """The field that an error's message begins with."""
    return message.partition(":")[0]
