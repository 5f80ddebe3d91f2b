# Made from aio/task_run.py by generate.py: change that one, then run this.
"""One run of a task."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing
from typing import TYPE_CHECKING, Any

from rondo.models import ENDED, Logs, TaskRunRecord, Texts
from rondo.patience import until
from rondo.session import AWAY

if TYPE_CHECKING:
    from rondo.calls import Calls


class TaskRun(TaskRunRecord):
    """It has begun; `running`, then one of success, failure, timed_out and killed."""

    def __init__(self, client: Calls, data: dict[str, Any]) -> None:
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

    def follow(self, stamps: bool = False, limit: int | None = None) -> Iterator[str]:
        """Its lines as they come, from the first to the last, with their stamps if so asked; of
        those that are there already the last `limit`, or all.

        What has no line end for a while comes as it is, and then the rest. A connection that is
        lost on the way is made again, and no line is missed or doubled.
        """
        path = f"/v1/api/task/run/{self.id()}/follow"
        path += "" if limit is None else f"?last={limit}"
        texts = Texts()
        with closing(self._client.session.follow(path)) as events:
            for event in events:
                told = json.loads(event.data)
                if event.kind == "end":
                    self._data["status"] = told["status"]
                    return
                for line in told:
                    if (text := line if stamps else texts.of(line)) is not None:
                        yield text

    def _logs(self, limit: int | None, patience: float) -> Logs:
        asked = {"id": self.id(), "lines": limit}
        answer = self._client.session.read("task/get_logs_for_run", asked, patience)
        return Logs(answer, self._client.time_format)
