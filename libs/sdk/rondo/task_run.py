# Made from aio/task_run.py by generate.py: change that one, then run this.
"""One run of a task."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from rondo.models import ENDED, Logs, TaskRunRecord, text_of
from rondo.patience import AWAY, until
from rondo.transport import sleep

if TYPE_CHECKING:
    from rondo.client import Client

_CALM, _BUSY = 0.2, 5.0  # s between two looks at least; and how much longer than a look takes


class TaskRun(TaskRunRecord):
    """It has begun; `running`, then one of success, failure, timed_out and killed."""

    def __init__(self, client: Client, data: dict[str, Any]) -> None:
        super().__init__(data, client.time_format)
        self._client = client

    def status(self) -> str:
        """As it is now."""
        return str((self.details())["status"])

    def details(self, patience: float = 4.0) -> dict[str, Any]:
        """How it ended and why: `status`, `reason`, `detail`, `exit_code`, `attempt`, ..."""
        ids = {"task": self.task_id(), "pod_id": self.id()}
        found = dict(self._client.session.read("task/get_run_details", ids, patience))
        self._data.update(found)
        return found

    def logs(self, limit: int | None = None) -> Logs:
        """The last `limit` lines of its output, or all."""
        return self._logs(limit, 4.0)

    def wait(self, timeout: float | None = None) -> TaskRun:
        """Itself, once it has ended. TimeoutError after `timeout` seconds."""

        def ended() -> TaskRun | None:
            return self if (self.details(AWAY))["status"] in ENDED else None

        return until(ended, f"the end of run {self.id()}", timeout)

    def follow(self, stamps: bool = False) -> Iterator[str]:
        """Its lines as they come, from the first to the last; with their stamps if so asked."""
        seen = 0
        while True:
            began = time.monotonic()
            logs = self._logs(None, AWAY)
            for line in logs[seen:]:
                yield line if stamps else text_of(line)
            seen = max(seen, len(logs))
            if logs.complete:
                return
            # Each look transfers it all, so a long log is looked at less often.
            sleep(max(_CALM, _BUSY * (time.monotonic() - began)))

    def _logs(self, limit: int | None, patience: float) -> Logs:
        asked = {"id": self.id(), "lines": limit}
        answer = self._client.session.read("task/get_logs_for_run", asked, patience)
        return Logs(answer, self._client.time_format)
