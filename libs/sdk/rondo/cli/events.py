"""`rondo events`: what has happened, a line each, and what happens."""

import json
import os
import re
from argparse import Namespace
from datetime import datetime, timedelta, timezone

from rondo.cli import output
from rondo.cli.commands import connected
from rondo.event import Event

_AGO = re.compile(r"(\d{1,6})([smhd])")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


def events(arguments: Namespace) -> int:
    client = connected(arguments)
    named = arguments.workspace or os.environ.get("RONDO_WORKSPACE")
    found = client.events(
        client.get_workspace(named) if named else None,
        [name for names in arguments.type for name in names.split(",")],
        arguments.aggregate,
        arguments.after,
        _instant(arguments.since),
        arguments.follow,
    )
    for event in found:
        print(_line(event, arguments), flush=True)
    return 0


def _instant(text: str | None) -> str | None:
    """RFC 3339, as it is or from so long ago; the platform says what is neither."""
    ago = _AGO.fullmatch(text or "")
    if ago is None:
        return text
    long = timedelta(**{_UNITS[ago[2]]: int(ago[1])})
    return (datetime.now(timezone.utc) - long).isoformat()


def _line(event: Event, how: Namespace) -> str:
    if how.json:
        return json.dumps(event.to_json())
    if how.quiet:
        return event.id()
    time = event.time().astimezone().strftime(output.TIME_FORMAT)
    texts = (f"{event.sequence():>8}", time, f"{event.type():<24}", event.subject())
    return "  ".join(map(output.plain, texts))
