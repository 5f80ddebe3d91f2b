"""The executor's side of keepers: a socket to each, who makes them, those free for another run."""

import socket
from typing import Protocol

from services.executor.local.protocol import Prepare, encode

_MOST = 16  # that wait; each has 2 MiB of its own


class Keeper:
    """One keeper, known by its `place`: that of the run that it was made for."""

    def __init__(self, first: Prepare, control: socket.socket) -> None:
        self.place = first.place
        self.control = control
        # Who reaps it has to know its run's control group, and knows that of the first.
        self.once = bool(first.group)

    def take(self, prepare: Prepare, orders: int) -> bool:
        """Give it another run; False if it is gone."""
        try:
            socket.send_fds(self.control, [encode(prepare)], [orders])
        except OSError:
            return False
        return True


class Launcher(Protocol):
    """Who makes keepers: the launcher, or a template."""

    async def prepare(self, prepare: Prepare, orders: int) -> Keeper:
        """Have the processes of a run made. Raises Rejected if too long, Unavailable if lost."""

    def free(self, keeper: Keeper) -> None:
        """Its run has ended, and nothing of it is left."""

    async def gone(self, place: str) -> None:
        """Wait until nothing of the keeper's run can be left."""

    async def insist(self) -> None:
        """A run that was told to end did not: do what there is beyond that."""

    def forget(self, place: str) -> None:
        """Nobody will ask about this keeper again."""


class Free:
    """Keepers of one template that wait, and which of the busy ones may."""

    def __init__(self) -> None:
        self._waiting: list[Keeper] = []
        self._busy: set[Keeper] = set()

    def made(self, keeper: Keeper) -> None:
        """There is a new one, busy for now."""
        if not keeper.once:
            self._busy.add(keeper)

    def put(self, keeper: Keeper) -> bool:
        """It has ended its run; False if it is to end as well."""
        wanted = keeper in self._busy and len(self._waiting) < _MOST
        self._busy.discard(keeper)
        if wanted:
            self._waiting.append(keeper)
        return wanted

    def pop(self) -> Keeper | None:
        """The one that has waited shortest: the others' memory may have left the caches."""
        if not self._waiting:
            return None
        keeper = self._waiting.pop()
        self._busy.add(keeper)
        return keeper

    def lost(self, keeper: Keeper) -> None:
        """It has ended."""
        self._busy.discard(keeper)

    def renew(self) -> list[Keeper]:
        """All that wait, to be ended; those that are busy will not wait either."""
        waiting, self._waiting = self._waiting, []
        self._busy.clear()
        return waiting
