"""The event log and the rows that are read from it: what a command decides on and writes to."""

import asyncio
from dataclasses import dataclass

from libs.eventfeed.tail import Tail
from libs.eventlog.log import EventLog
from libs.eventlog.project import Position
from libs.postgres.pool import Database

VISIBLE_TIMEOUT_SECONDS = 5.0


class NotVisibleYet(Exception):
    """The command's event is durable, only the rows lag: to send it again would double it."""

    def __init__(self, id: object) -> None:
        super().__init__(
            f"id: {id} is accepted, but reads do not show it yet;"
            " read it again, don't send it again"
        )
        self.id = str(id)


@dataclass(frozen=True)
class Store:
    """`position` is how far `rows` are; `tail` publishes events as they get there. Who creates what
    must be unique holds `numbering`."""

    log: EventLog
    rows: Database
    position: Position
    tail: Tail
    numbering: asyncio.Lock

    async def visible(self, seq: int, id: object) -> None:
        """Returns once reads show the event at `seq` (I1). Raises NotVisibleYet, which says that
        `id` is accepted."""
        try:
            await self.position.reached(seq, VISIBLE_TIMEOUT_SECONDS)
        except TimeoutError:
            raise NotVisibleYet(id) from None
