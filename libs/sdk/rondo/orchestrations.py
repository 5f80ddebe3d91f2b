# Made from aio/orchestrations.py by generate.py: change that one, then run this.
"""The part of a client that uploads and finds orchestrations."""

from __future__ import annotations

import os
from typing import Any

from rondo.archive import open_archive
from rondo.errors import (
    NotVisibleYet,
    OrchestrationMissingFile,
    OrchestrationUploadFailed,
    RequestRefused,
)
from rondo.html import Table
from rondo.multipart import Upload
from rondo.orchestration import Orchestration
from rondo.progress import Bar
from rondo.tasks import Tasks


class Orchestrations(Tasks):
    """Orchestrations: uploading and finding them."""

    def upload_orchestration(
        self,
        bytes_buffer: bytes | None = None,
        path: str | os.PathLike[str] | None = None,
        name: str | None = None,
        file_name: str | None = None,
        *,
        include_all: bool = False,
    ) -> Orchestration:
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
        workspace = self.get_current_workspace()
        metadata = {"workspace_id": workspace.id(), "name": name}
        with open_archive(path if bytes_buffer is None else bytes_buffer, include_all) as archive:
            label = file_name or archive.name
            with Bar(f"uploading {label}", archive.size) as bar:
                upload = Upload(archive.open, archive.size, label, metadata, bar.move)
                id = self._upload(upload)
        return self._orchestration_of(self.session.read_new("orchestration/get_by_id", {"id": id}))

    def get_orchestration(self, id: str) -> Orchestration:
        """The orchestration with that id.

        Raises EntityNotFoundError when there is none, or when you may not see it.
        """
        return self._orchestration_of(self.session.read("orchestration/get_by_id", {"id": id}))

    def list_orchestrations(
        self, workspace_id: int | None = None, workspace_name: str | None = None
    ) -> Table[Orchestration]:
        """The orchestrations of one workspace, or all that you may see; oldest first.

        Raises EntityNotFoundError when there is no workspace of that name.
        """
        id = self._workspace_filter(workspace_id, workspace_name)
        body = {"workspace_ids": [] if id is None else [id], "task_run_status": []}
        items = (self.session.read("orchestration/list_all", body))["orchestrations"]
        return Table((self._orchestration_in(item) for item in items), "orchestrations")

    def _upload(self, upload: Upload) -> str:
        """Its id, also when reads do not show it yet."""
        try:
            return str((self.session.upload("orchestration/upload", upload))["id"])
        except NotVisibleYet as lag:
            return lag.id
        except RequestRefused as refused:
            raise OrchestrationUploadFailed(
                refused.message, refused.code, refused.status
            ) from refused

    def _orchestration_in(self, item: dict[str, Any]) -> Orchestration:
        data = {**item["orchestration"], "workspace_name": item["workspace"]["name"]}
        return Orchestration(self, data)

    def _orchestration_of(self, data: dict[str, Any]) -> Orchestration:
        return Orchestration(self, self._with_workspace_name(data))
