"""What every part of a client shares."""

from __future__ import annotations

from rondo.aio.session import AsyncSession


class AsyncCalls:
    """`session` sends requests; `time_format` is for the tables and cards of notebooks."""

    api_endpoint: str
    session: AsyncSession
    time_format: str
