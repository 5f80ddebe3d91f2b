"""A run of ours as long as it is ours."""

import time
from uuid import UUID

from libs.domain.ids import StreamId
from libs.domain.run import Status
from services.executor.backend import Running


class ActiveRun:
    """A run of ours, from when we were asked for it to its end."""

    def __init__(self, stream: StreamId, task: UUID, slot: int) -> None:
        self.stream = stream
        self.task = task
        self.slot = slot
        self.killed = False  # what it ends by: its task's end, or ours
        self.running: Running | None = None
        self.version = 0  # of the run, once it is ours
        self.claimed = time.monotonic()  # when we said so, as in the event
        self.forked: float | None = None

    @property
    def status(self) -> Status:
        """As far as we have said ourselves; others may have closed it (see `finish`)."""
        return "running" if self.version else "requested"

    def timing(self, first_line: float | None, exited: float) -> dict[str, float]:
        """See RunFinished; `logged` is now."""
        times = {"forked": self.forked, "first_line": first_line, "exited": exited}
        times["logged"] = time.monotonic()
        return {name: round(at - self.claimed, 6) for name, at in times.items() if at is not None}

    async def kill(self, within: float | None = None) -> None:
        """See Running.stop."""
        self.killed = True
        if self.running is not None:
            await self.running.stop("killed", within)
