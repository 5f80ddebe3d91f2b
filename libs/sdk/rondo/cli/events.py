"""`rondo events`: what has happened, and what happens, one line an event."""

import json
import re
from argparse import Namespace
from datetime import datetime, timedelta, timezone

from rondo.cli import output
from rondo.cli.commands import connected, workspace_name
from rondo.event import Event

_AGO = re.compile(r"(\d{1,6})([smhd])")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


def events(arguments: Namespace) -> int:
    """`rondo events`."""
    client = connected(arguments)
    name = workspace_name(arguments)
    matches = client.events(
        client.get_workspace(name) if name else None,
        [name for names in arguments.type for name in names.split(",")],
        arguments.aggregate,
        arguments.after,
        instant(arguments.since),
        arguments.follow,
    )
    for event in matches:
        print(_line(event, arguments), flush=True)
    return 0


def instant(text: str | None) -> str | None:
    """An instant in RFC 3339, or one so long ago; the platform refuses what is neither."""
    ago = _AGO.fullmatch(text or "")
    if ago is None:
        return text
    age = timedelta(**{_UNITS[ago[2]]: int(ago[1])})
    return (datetime.now(timezone.utc) - age).isoformat()


def _line(event: Event, how: Namespace) -> str:
    if how.json:
        return json.dumps(event.to_json())
    if how.quiet:
        return event.id()
    time = event.time().astimezone().strftime(output.TIME_FORMAT)
    texts = (f"{event.sequence():>8}", time, f"{event.type():<24}", event.subject())
    return "  ".join(map(output.plain, texts))
