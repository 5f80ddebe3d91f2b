"""Numbers, ids and instants from text of a request, with the same limits in all of the api.

Each gives None for what is none, so that the caller can say which field is wrong.
"""

from datetime import UTC, datetime
from uuid import UUID

MAX_DIGITS = 15


def number(text: str) -> int | None:
    """A number from 0, of at most 15 ASCII digits: fewer than Postgres, JavaScript and int()
    take."""
    return int(text) if text.isascii() and text.isdigit() and len(text) <= MAX_DIGITS else None


def uuid(text: str) -> UUID | None:
    """A UUID in any form that uuid.UUID reads, or None."""
    try:
        return UUID(text)
    except ValueError:
        return None


def instant(text: str) -> datetime | None:
    """In ISO 8601, as UTC. One without a zone is in UTC; a plus that was not quoted comes as a
    space."""
    try:
        given = datetime.fromisoformat(text.replace(" ", "+"))
        return given.astimezone(UTC) if given.tzinfo else given.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        return None
