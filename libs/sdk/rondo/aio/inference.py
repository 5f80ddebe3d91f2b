"""The part of a pipeline that infers."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from rondo.errors import AuthError, InferenceError, RequestRefused, ServerError
from rondo.inference_data import Columns, Exchange, encode, encode_file
from rondo.inference_records import PipelineRecord

if TYPE_CHECKING:
    from rondo.aio.calls import AsyncCalls


class AsyncInference(PipelineRecord):
    """Inferences by a deployed pipeline.

    These arguments mean the same for all of them:
    - `timeout` is how many seconds an answer may take; None is that of the client.
    - `dataset` are the columns of the answer, by name or by the part before the dot. The default is
      all but `metadata`, which has to be asked for by name.
    - `dataset_exclude` are columns to leave out.
    - `dataset_separator` stands between the parts of the names of columns.

    A request whose answer was lost is sent again, so the log may have it twice.
    """

    _client: AsyncCalls
    _path: str = ""

    async def infer(
        self,
        tensor: Any,
        timeout: float | None = None,
        dataset: Iterable[str] | None = None,
        dataset_exclude: Iterable[str] | None = None,
        dataset_separator: str | None = None,
    ) -> Any:
        """A row of results for each row of inputs.

        | `tensor` | result |
        | --- | --- |
        | a list of dicts, each a row; or a dict of lists, each a column | `Rows`: a list of dicts |
        | a DataFrame of pandas | a DataFrame |
        | a Table of pyarrow | a Table |
        | `bytes`: an Arrow IPC file | `bytes`: an Arrow IPC file |

        The columns are `time` (milliseconds since 1970; in tables an instant), `in.<column>`,
        `out.<output>` and `anomaly.count`. Raises InferenceError when it is not deployed, the
        input does not fit or a step fails, TypeError for an input of any other kind.
        """
        chosen = Columns.of(dataset, dataset_exclude, dataset_separator)
        return await self._exchange(encode(tensor), chosen, timeout)

    async def infer_from_file(
        self,
        filename: str | os.PathLike[str],
        timeout: float | None = None,
        dataset: Iterable[str] | None = None,
        dataset_exclude: Iterable[str] | None = None,
        dataset_separator: str | None = None,
    ) -> Any:
        """As `infer`, with the content of a file.

        A `.json` file holds rows or columns as JSON, and gives a list of dicts. An `.arrow` file is
        an Arrow IPC file and gives a Table, for which pyarrow has to be installed.

        Raises ValueError for any other name, OSError when it can't be read.
        """
        chosen = Columns.of(dataset, dataset_exclude, dataset_separator)
        return await self._exchange(encode_file(filename), chosen, timeout)

    async def url(self) -> str:
        """Where other programs send their requests; it stays the same from deploy to deploy.

        Raises EntityNotFoundError when it has never been deployed.
        """
        return self._client.api_endpoint + await self._infer_path()

    async def _exchange(self, exchange: Exchange, chosen: Columns, timeout: float | None) -> Any:
        try:
            path = f"{await self._infer_path()}?{chosen.query}"
            answer = await self._client.session.exchange(
                path, exchange.body, exchange.headers, timeout or 0.0
            )
        except AuthError:
            raise
        except (RequestRefused, ServerError) as refused:
            if isinstance(refused, ServerError) and refused.code != "inference":
                raise
            raise InferenceError(refused.message, refused.code, refused.status) from refused
        return exchange.decode(answer.body)

    async def _infer_path(self) -> str:
        """Of one that has never been deployed there is none: EntityNotFoundError."""
        if not self._path:
            body = {"workspace_id": self.workspace_id(), "pipeline_name": self.name()}
            read = self._client.session.read
            url = str((await read("admin/get_pipeline_external_url", body))["url"])
            self._path = url[url.index("/v1/api/") :]
        return self._path
