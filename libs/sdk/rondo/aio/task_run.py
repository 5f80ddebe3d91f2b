"""One run of a task."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import TYPE_CHECKING, Any

from rondo.aio.patience import until
from rondo.aio.session import AWAY
from rondo.models import ENDED, Logs, TaskRunRecord, Texts

if TYPE_CHECKING:
    from rondo.aio.calls import AsyncCalls


class AsyncTaskRun(TaskRunRecord):
    """It has begun; `running`, then one of success, failure, timed_out and killed."""

    def __init__(self, client: AsyncCalls, data: dict[str, Any]) -> None:
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

    async def follow(self, stamps: bool = False, limit: int | None = None) -> AsyncIterator[str]:
        """Its lines as they come, from the first to the last, with their stamps if so asked; of
        those that are there already the last `limit`, or all.

        What has no line end for a while comes as it is, and then the rest. A connection that is
        lost on the way is made again, and no line is missed or doubled.
        """
        path = f"/v1/api/task/run/{self.id()}/follow"
        path += "" if limit is None else f"?last={limit}"
        texts = Texts()
        async with aclosing(self._client.session.follow(path)) as events:
            async for event in events:
                told = json.loads(event.data)
                if event.kind == "end":
                    self._data["status"] = told["status"]
                    return
                for line in told:
                    if (text := line if stamps else texts.of(line)) is not None:
                        yield text

    async def _logs(self, limit: int | None, patience: float) -> Logs:
        asked = {"id": self.id(), "lines": limit}
        answer = await self._client.session.read("task/get_logs_for_run", asked, patience)
        return Logs(answer, self._client.time_format)
