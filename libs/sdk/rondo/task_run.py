# Made from aio/task_run.py by generate.py: change that one, then run this.
"""One run of a task."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing
from typing import TYPE_CHECKING, Any

from rondo.log_lines import LineTexts, Logs
from rondo.polling import until
from rondo.records import END_STATUSES, TaskRunRecord
from rondo.session import CALL_PATIENCE_SECONDS, WAIT_PATIENCE_SECONDS

if TYPE_CHECKING:
    from rondo.calls import Calls


class TaskRun(TaskRunRecord):
    """One execution of a task: first `running`, then success, failure, timed_out or killed."""

    def __init__(self, client: Calls, data: dict[str, Any]) -> None:
        super().__init__(data, client.time_format)
        self._client = client

    def status(self) -> str:
        """Its status now: `running`, `success`, `failure`, `timed_out` or `killed`."""
        return str((self.details())["status"])

    def details(self, patience: float = CALL_PATIENCE_SECONDS) -> dict[str, Any]:
        """How it ended and why: `status`, `reason`, `detail`, `exit_code`, `attempt` and more.

        `patience` is how many seconds to try again while the platform is away.
        """
        ids = {"task": self.task_id(), "pod_id": self.id()}
        data = dict(self._client.session.read("task/get_run_details", ids, patience))
        self._data.update(data)
        return data

    def logs(self, limit: int | None = None) -> Logs:
        """The last `limit` lines of its output, or all."""
        body = {"id": self.id(), "lines": limit}
        answer = self._client.session.read("task/get_logs_for_run", body)
        return Logs(answer, self._client.time_format)

    def wait(self, timeout: float | None = None) -> TaskRun:
        """Wait until it has ended, and return itself.

        Raises TimeoutError after `timeout` seconds.
        """

        def ended() -> TaskRun | None:
            status = (self.details(WAIT_PATIENCE_SECONDS))["status"]
            return self if status in END_STATUSES else None

        return until(ended, f"the end of run {self.id()}", timeout)

    def follow(self, stamps: bool = False, limit: int | None = None) -> Iterator[str]:
        """Lines of its output as they come, until it ends.

        It begins with the first line, or with the last `limit` of those that are there already.
        With `stamps` a line is `<time> <stdout|stderr> <F|P> <text>`, else the text alone. Text
        without a line end is given after a while, and its rest later. A lost connection is made
        again, and no line is missed or doubled.
        """
        path = f"/v1/api/task/run/{self.id()}/follow"
        path += "" if limit is None else f"?last={limit}"
        texts = LineTexts()
        with closing(self._client.session.follow(path)) as events:
            for event in events:
                data = json.loads(event.data)
                if event.kind == "end":
                    self._data["status"] = data["status"]
                    return
                for line in data:
                    if (text := line if stamps else texts.of(line)) is not None:
                        yield text
