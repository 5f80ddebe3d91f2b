"""One run of a task."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Any

from rondo.aio.patience import AWAY, until
from rondo.aio.transport import sleep
from rondo.models import ENDED, Logs, TaskRunRecord, text_of

if TYPE_CHECKING:
    from rondo.aio.client import AsyncClient

_CALM, _BUSY = 0.2, 5.0  # s between two looks at least; and how much longer than a look takes


class AsyncTaskRun(TaskRunRecord):
    """It has begun; `running`, then one of success, failure, timed_out and killed."""

    def __init__(self, client: AsyncClient, data: dict[str, Any]) -> None:
        super().__init__(data, client.time_format)
        self._client = client

    async def status(self) -> str:
        """As it is now."""
        return str((await self.details())["status"])

    async def details(self, patience: float = 4.0) -> dict[str, Any]:
        """How it ended and why: `status`, `reason`, `detail`, `exit_code`, `attempt`, ..."""
        ids = {"task": self.task_id(), "pod_id": self.id()}
        found = dict(await self._client.session.read("task/get_run_details", ids, patience))
        self._data.update(found)
        return found

    async def logs(self, limit: int | None = None) -> Logs:
        """The last `limit` lines of its output, or all."""
        return await self._logs(limit, 4.0)

    async def wait(self, timeout: float | None = None) -> AsyncTaskRun:
        """Itself, once it has ended. TimeoutError after `timeout` seconds."""

        async def ended() -> AsyncTaskRun | None:
            return self if (await self.details(AWAY))["status"] in ENDED else None

        return await until(ended, f"the end of run {self.id()}", timeout)

    async def follow(self, stamps: bool = False) -> AsyncIterator[str]:
        """Its lines as they come, from the first to the last; with their stamps if so asked."""
        seen = 0
        while True:
            began = time.monotonic()
            logs = await self._logs(None, AWAY)
            for line in logs[seen:]:
                yield line if stamps else text_of(line)
            seen = max(seen, len(logs))
            if logs.complete:
                return
            # Each look transfers it all, so a long log is looked at less often.
            await sleep(max(_CALM, _BUSY * (time.monotonic() - began)))

    async def _logs(self, limit: int | None, patience: float) -> Logs:
        asked = {"id": self.id(), "lines": limit}
        answer = await self._client.session.read("task/get_logs_for_run", asked, patience)
        return Logs(answer, self._client.time_format)
