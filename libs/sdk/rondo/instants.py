"""Instants: as the platform writes them, and as people see them."""

import re
from datetime import datetime

TIME_FORMAT = "%Y-%d-%b %H:%M:%S"  # for people, unless a client has another

_INSTANT = re.compile(r"(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d:\d\d)(\.\d+)?(Z|[+-]\d\d:\d\d)?")


def parse_instant(text: str) -> datetime:
    """The RFC 3339 instant at the start of `text`; digits finer than microseconds are dropped.

    An instant without a zone is UTC. Raises ValueError when `text` does not begin with one.
    """
    match = _INSTANT.match(text)
    if match is None:
        raise ValueError(f"{text[:40]!r} does not begin with a time")
    day, time, fraction, zone = match.groups(default="")
    return datetime.fromisoformat(
        f"{day}T{time}.{fraction[1:7]:0<6}{'+00:00' if zone in ('', 'Z') else zone}"
    )
