"""The part of a client that uploads and finds orchestrations."""

from __future__ import annotations

import os
from typing import Any

from rondo.aio.orchestration import AsyncOrchestration
from rondo.aio.tasks import AsyncTasks
from rondo.archive import open_archive
from rondo.errors import (
    NotVisibleYet,
    OrchestrationMissingFile,
    OrchestrationUploadFailed,
    RequestRefused,
)
from rondo.html import Table
from rondo.multipart import Upload
from rondo.progress import Bar


class AsyncOrchestrations(AsyncTasks):
    """Orchestrations: uploading and finding them."""

    async def upload_orchestration(
        self,
        bytes_buffer: bytes | None = None,
        path: str | os.PathLike[str] | None = None,
        name: str | None = None,
        file_name: str | None = None,
        *,
        include_all: bool = False,
    ) -> AsyncOrchestration:
        """Upload a ZIP, or a folder as a ZIP, to the current workspace.

        Give either `path`, a file or a folder, or the ZIP itself as `bytes_buffer`. It holds a
        main.py and at most one requirements.txt. The platform packages it in the background: call
        `wait` on what is returned.

        - `name` names the orchestration.
        - `file_name` is by default that of `path`, or `_` for bytes.
        - `include_all` uploads a folder whole. Otherwise secrets (`.env`), environments, leftovers
          of tools, and what its .gitignore and .rondoignore files name stay out.

        Raises OrchestrationMissingFile when nothing is given, ValueError when both are, OSError
        when `path` can't be read, OrchestrationUploadFailed when the platform refuses the archive.
        """
        if path is None and bytes_buffer is None:
            raise OrchestrationMissingFile("give path, or bytes_buffer and file_name", "no_file")
        if path is not None and bytes_buffer is not None:
            raise ValueError("path, bytes_buffer: give one of them, not both")
        workspace = await self.get_current_workspace()
        metadata = {"workspace_id": workspace.id(), "name": name}
        with open_archive(path if bytes_buffer is None else bytes_buffer, include_all) as archive:
            label = file_name or archive.name
            with Bar(f"uploading {label}", archive.size) as bar:
                upload = Upload(archive.open, archive.size, label, metadata, bar.move)
                id = await self._upload(upload)
        return await self._orchestration_of(
            await self.session.read_new("orchestration/get_by_id", {"id": id})
        )

    async def get_orchestration(self, id: str) -> AsyncOrchestration:
        """The orchestration with that id.

        Raises EntityNotFoundError when there is none, or when you may not see it.
        """
        return await self._orchestration_of(
            await self.session.read("orchestration/get_by_id", {"id": id})
        )

    async def list_orchestrations(
        self, workspace_id: int | None = None, workspace_name: str | None = None
    ) -> Table[AsyncOrchestration]:
        """The orchestrations of one workspace, or all that you may see; oldest first.

        Raises EntityNotFoundError when there is no workspace of that name.
        """
        id = await self._workspace_filter(workspace_id, workspace_name)
        body = {"workspace_ids": [] if id is None else [id], "task_run_status": []}
        items = (await self.session.read("orchestration/list_all", body))["orchestrations"]
        return Table((self._orchestration_in(item) for item in items), "orchestrations")

    async def _upload(self, upload: Upload) -> str:
        """Its id, also when reads do not show it yet."""
        try:
            return str((await self.session.upload("orchestration/upload", upload))["id"])
        except NotVisibleYet as lag:
            return lag.id
        except RequestRefused as refused:
            raise OrchestrationUploadFailed(
                refused.message, refused.code, refused.status
            ) from refused

    def _orchestration_in(self, item: dict[str, Any]) -> AsyncOrchestration:
        data = {**item["orchestration"], "workspace_name": item["workspace"]["name"]}
        return AsyncOrchestration(self, data)

    async def _orchestration_of(self, data: dict[str, Any]) -> AsyncOrchestration:
        return AsyncOrchestration(self, await self._with_workspace_name(data))
