# Made from aio/pipeline_log.py by generate.py: change that one, then run this.
"""The part of a pipeline that reads the log of its inferences."""

from __future__ import annotations

import json
import os
from collections.abc import Generator, Iterable
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rondo.inference_data import Columns, Rows, log_file, log_rows
from rondo.inference_records import PipelineRecord

if TYPE_CHECKING:
    from rondo.calls import Calls

_LIMIT = 100
_PAGE_ROWS = 10_000


class PipelineLog(PipelineRecord):
    """The log of a pipeline: a row for each row that was inferred, also after it is undeployed.

    These arguments mean the same for both ways to read it:
    - `limit` is how many rows to read at most.
    - `start_datetime` and `end_datetime` are the first and the last instant: a datetime, without a
      zone that of this machine, or an RFC 3339 text.
    - `dataset`, `dataset_exclude` and `dataset_separator` choose columns as for `infer`.
    """

    _client: Calls

    def logs(
        self,
        limit: int | None = None,
        start_datetime: datetime | str | None = None,
        end_datetime: datetime | str | None = None,
        dataset: Iterable[str] | None = None,
        dataset_exclude: Iterable[str] | None = None,
        dataset_separator: str | None = None,
    ) -> Rows:
        """Its rows. Without instants the newest ones, newest first, 100 of them by default.

        With an instant those in between, oldest first, by default all. An inference is in the log
        before its caller has the answer.
        """
        columns = Columns.of(dataset, dataset_exclude, dataset_separator)
        timed = start_datetime is not None or end_datetime is not None
        most = limit if timed or limit is not None else _LIMIT
        body = self._log_query(start_datetime, end_datetime) | {"order": "asc" if timed else "desc"}
        rows = Rows()
        for page in self._log_pages(body, most):
            rows += log_rows(page, columns)
        return rows

    def export_logs(
        self,
        directory: str | os.PathLike[str] | None = None,
        file_prefix: str | None = None,
        limit: int | None = None,
        start_datetime: datetime | str | None = None,
        end_datetime: datetime | str | None = None,
        dataset: Iterable[str] | None = None,
        dataset_exclude: Iterable[str] | None = None,
        dataset_separator: str | None = None,
    ) -> Path:
        """Write its rows, oldest first, to `<directory>/<file_prefix>.jsonl`, and return the path.

        A line is a row, as JSON. The directory is `logs` by default, the prefix the name of the
        pipeline. Only a page at a time is in memory.
        """
        columns = Columns.of(dataset, dataset_exclude, dataset_separator)
        body = self._log_query(start_datetime, end_datetime) | {"order": "asc"}
        with log_file(directory or "logs", file_prefix or self.name()) as file:
            for page in self._log_pages(body, limit):
                file.writelines(f"{json.dumps(row)}\n" for row in log_rows(page, columns))
        return Path(file.name)

    def _log_pages(
        self, body: dict[str, Any], limit: int | None
    ) -> Generator[list[dict[str, Any]], None, None]:
        path, headers = "/v1/api/pipelines/get_logs", {"Content-Type": "application/json"}
        left = limit
        while left is None or left > 0:
            body["page_size"] = _PAGE_ROWS if left is None else min(left, _PAGE_ROWS)
            answer = self._client.session.exchange(path, json.dumps(body).encode(), headers)
            page = answer.json()
            yield page
            left = None if left is None else left - len(page)
            cursor = answer.headers.get("x-iteration-cursor")
            if not cursor or not page or answer.headers.get("x-iteration-status") == "All":
                return
            body["cursor"] = cursor

    def _log_query(
        self, start: datetime | str | None, end: datetime | str | None
    ) -> dict[str, Any]:
        query: dict[str, Any] = {"pipeline_name": self.name(), "workspace_id": self.workspace_id()}
        for field, at in (("start_time", start), ("end_time", end)):
            if at is not None:
                query[field] = at if isinstance(at, str) else at.astimezone().isoformat()
        return query
