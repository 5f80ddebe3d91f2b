"""The event log and the rows built from it: commands read both and write to the log."""

import asyncio
from dataclasses import dataclass

from libs.eventfeed.tail import Tail
from libs.eventlog.log import EventLog
from libs.eventlog.project import Position
from libs.postgres.pool import Database

VISIBLE_TIMEOUT_SECONDS = 5.0


class NotVisibleYet(Exception):
    """The event of the command is durable, but rows lag. To send it again would do it twice."""

    def __init__(self, id: object) -> None:
        super().__init__(
            f"id: {id} is accepted, but reads do not show it yet;"
            " read it again, don't send it again"
        )
        self.id = str(id)


@dataclass(frozen=True)
class Store:
    """Where commands read and write.

    `position` is how far `rows` are in the log; `tail` publishes events as they get there. To
    create a thing with a unique name or number takes the lock `numbering`.
    """

    log: EventLog
    rows: Database
    position: Position
    tail: Tail
    numbering: asyncio.Lock

    async def visible(self, seq: int, id: object) -> None:
        """Wait until reads show the event at `seq` (I1).

        Raises NotVisibleYet after 5 s; it says that `id` is accepted.
        """
        try:
            await self.position.reached(seq, VISIBLE_TIMEOUT_SECONDS)
        except TimeoutError:
            raise NotVisibleYet(id) from None
