# Made from aio/calls.py by generate.py: change that one, then run this.
"""What every part of a client shares."""

from __future__ import annotations

from rondo.session import Session


class Calls:
    """`session` sends requests; `time_format` is for the tables and cards of notebooks."""

    api_endpoint: str
    session: Session
    time_format: str
