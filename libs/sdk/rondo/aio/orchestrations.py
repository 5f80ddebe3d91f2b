"""The part of a client that is about orchestrations: uploading and finding them."""

from __future__ import annotations

import os
from typing import Any

from rondo.aio.orchestration import AsyncOrchestration
from rondo.aio.tasks import AsyncTasks
from rondo.archive import packed
from rondo.errors import OrchestrationMissingFile, OrchestrationUploadFailed, RequestRefused
from rondo.html import Table
from rondo.multipart import Upload
from rondo.progress import Bar


class AsyncOrchestrations(AsyncTasks):
    async def upload_orchestration(
        self,
        bytes_buffer: bytes | None = None,
        path: str | os.PathLike[str] | None = None,
        name: str | None = None,
        file_name: str | None = None,
        *,
        include_all: bool = False,
    ) -> AsyncOrchestration:
        """A ZIP with a main.py and at most one requirements.txt: the file or folder at `path`, or
        bytes. It is packaged in the background: see `wait`.

        OrchestrationUploadFailed tells what it is refused for. A folder is zipped without secrets
        (.env), environments and what tools leave, nor what its .gitignore and .rondoignore files
        name; with `include_all` nothing is left out. `file_name` is by default that of `path`, or
        `_` for bytes.
        """
        if path is None and bytes_buffer is None:
            raise OrchestrationMissingFile("give path, or bytes_buffer and file_name", "no_file")
        if path is not None and bytes_buffer is not None:
            raise ValueError("path, bytes_buffer: give one of them, not both")
        workspace = await self.get_current_workspace()
        metadata = {"workspace_id": workspace.id(), "name": name}
        with packed(path if bytes_buffer is None else bytes_buffer, include_all) as archive:
            shown = file_name or archive.name
            with Bar(f"uploading {shown}", archive.size) as bar:
                upload = Upload(archive.open, archive.size, shown, metadata, bar.move)
                id = await self._uploaded(upload)
        return await self._orchestration_of(
            await self.session.created("orchestration/get_by_id", {"id": id})
        )

    async def get_orchestration(self, id: str) -> AsyncOrchestration:
        """EntityNotFoundError."""
        return await self._orchestration_of(
            await self.session.read("orchestration/get_by_id", {"id": id})
        )

    async def list_orchestrations(
        self, workspace_id: int | None = None, workspace_name: str | None = None
    ) -> Table[AsyncOrchestration]:
        """Of one workspace, or of all that you may see; oldest first."""
        id = await self._filter(workspace_id, workspace_name)
        asked = {"workspace_ids": [] if id is None else [id], "task_run_status": []}
        items = (await self.session.read("orchestration/list_all", asked))["orchestrations"]
        return Table((self._orchestration_in(item) for item in items), "orchestrations")

    async def _uploaded(self, upload: Upload) -> str:
        try:
            return await self.session.upload("orchestration/upload", upload)
        except RequestRefused as refused:
            raise OrchestrationUploadFailed(
                refused.message, refused.code, refused.status
            ) from refused

    def _orchestration_in(self, item: dict[str, Any]) -> AsyncOrchestration:
        data = {**item["orchestration"], "workspace_name": item["workspace"]["name"]}
        return AsyncOrchestration(self, data)

    async def _orchestration_of(self, data: dict[str, Any]) -> AsyncOrchestration:
        return AsyncOrchestration(self, await self._with_name(data))
