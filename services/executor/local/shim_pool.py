"""The executor's side of shims: a socket to each, who makes them, those free for another run."""

import socket
from typing import Protocol

from services.executor.local.protocol import Prepare, encode

_MAX_WAITING = 16  # that wait; each has 2 MiB of its own


class ShimClient:
    """One shim, known by its `name`: that of the run that it was made for."""

    def __init__(self, first: Prepare, control: socket.socket) -> None:
        self.name = first.name
        self.control = control
        self.pid: int | None = None  # once the main process of a run has begun
        # Who reaps it has to know its run's control group, and knows that of the first.
        self.once = bool(first.group)

    def take(self, prepare: Prepare, orders: int) -> bool:
        """Give it another run; False if it is gone."""
        try:
            socket.send_fds(self.control, [encode(prepare)], [orders])
        except OSError:
            return False
        return True


class ShimMaker(Protocol):
    """Who makes shims: the launcher, or a zygote."""

    @property
    def forker_pid(self) -> int:
        """Of the process that forks them."""

    async def prepare(self, prepare: Prepare, orders: int) -> ShimClient:
        """Have the processes of a run made. Raises Rejected if too long, Unavailable if lost."""

    def release(self, shim: ShimClient) -> None:
        """Its run has ended, and nothing of it is left."""

    async def gone(self, name: str) -> None:
        """Wait until nothing of the shim's run can be left."""

    async def end_by_force(self) -> None:
        """A run that was told to end did not: do what there is beyond that."""

    def forget(self, name: str) -> None:
        """Nobody will ask about this shim again."""


class ShimPool:
    """Shims of one zygote that wait, and which of the busy ones may."""

    def __init__(self) -> None:
        self._waiting: list[ShimClient] = []
        self._busy: set[ShimClient] = set()

    def made(self, shim: ShimClient) -> None:
        """There is a new one, busy for now."""
        if not shim.once:
            self._busy.add(shim)

    def put(self, shim: ShimClient) -> bool:
        """It has ended its run; False if it is to end as well."""
        wanted = shim in self._busy and len(self._waiting) < _MAX_WAITING
        self._busy.discard(shim)
        if wanted:
            self._waiting.append(shim)
        return wanted

    def pop(self) -> ShimClient | None:
        """The one that has waited shortest: the others' memory may have left the caches."""
        if not self._waiting:
            return None
        shim = self._waiting.pop()
        self._busy.add(shim)
        return shim

    def lost(self, shim: ShimClient) -> None:
        """It has ended."""
        self._busy.discard(shim)

    def renew(self) -> list[ShimClient]:
        """All that wait, to be ended; those that are busy will not wait either."""
        waiting, self._waiting = self._waiting, []
        self._busy.clear()
        return waiting
