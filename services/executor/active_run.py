"""A run of ours as long as it is ours."""

import time
from uuid import UUID

from libs.domain.events import RunRequested
from libs.domain.run import Status
from libs.eventlog.envelope import Recorded
from services.executor.backend import Running


class ActiveRun:
    """From when we were asked for it to its end."""

    def __init__(self, requested: Recorded, event: RunRequested, slot: int) -> None:
        self.requested = requested
        self.stream = requested.stream
        self.id = UUID(requested.stream.id)
        self.workspace = requested.stream.workspace
        self.task = event.task
        self.slot = slot
        self.killed = False  # what it ends by: its task's end, or ours
        self.running: Running | None = None
        self.version = 0  # of the run, once it is ours
        self.claimed = time.monotonic()  # when we said so, as in the event
        self.forked: float | None = None  # None also for a run that an earlier executor started

    @property
    def status(self) -> Status:
        """As far as we have said ourselves; others may have closed it (see `finish`)."""
        return "running" if self.version else "requested"

    def timing(self, first_line: float | None, exited: float) -> dict[str, float]:
        """See RunFinished; `logged` is now."""
        if self.forked is None:
            return {}
        times = {"forked": self.forked, "first_line": first_line, "exited": exited}
        times["logged"] = time.monotonic()
        return {name: round(at - self.claimed, 6) for name, at in times.items() if at is not None}

    async def kill(self, within: float | None = None) -> None:
        """See Running.stop."""
        self.killed = True
        if self.running is not None:
            await self.running.stop("killed", within)
