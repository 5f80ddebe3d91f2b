"""The part of a client that builds and finds pipelines, and what is deployed of them."""

from __future__ import annotations

from typing import Any

from rondo.aio.models import AsyncModels
from rondo.aio.pipeline import AsyncPipeline
from rondo.errors import EntityNotFoundError
from rondo.html import Table
from rondo.inference_records import Deployment


class AsyncPipelines(AsyncModels):
    """Pipelines: building, finding and seeing what is served."""

    async def build_pipeline(self, pipeline_name: str) -> AsyncPipeline:
        """A pipeline of the current workspace, without steps; it is created if need be.

        Of one that is there already this makes a new version without steps. What is deployed stays
        as it is.
        """
        workspace = await self.get_current_workspace()
        body = {"pipeline_id": pipeline_name, "workspace_id": workspace.id(), "definition": {}}
        await self.session.create("pipelines/create", body, "pipeline_pk_id")
        return await self._pipeline(pipeline_name, new=True)

    async def get_pipeline(self, name: str, version: str | None = None) -> AsyncPipeline:
        """The pipeline of the current workspace with that name.

        With `version`, `deploy` without steps of yours serves that one. Raises EntityNotFoundError
        when there is no such pipeline, or no such version.
        """
        pipeline = await self._pipeline(name)
        if version is None:
            return pipeline
        for one in await pipeline.versions():
            if one.id() == version:
                return AsyncPipeline(self, pipeline.to_json(), one)
        message = f"version: pipeline {name!r} has no version {version!r}"
        raise EntityNotFoundError(message, "not_found", 404)

    async def pipelines_by_name(
        self,
        pipeline_name: str,
        workspace_id: int | None = None,
        workspace_name: str | None = None,
    ) -> Table[AsyncPipeline]:
        """The pipelines with that name in a workspace, or in all that you may see.

        Raises EntityNotFoundError when there is none.
        """
        found = await self.list_pipelines(workspace_id, workspace_name)
        matches = [one for one in found if one.name() == pipeline_name]
        if not matches:
            message = f"pipeline_name: there is no pipeline {pipeline_name!r}"
            raise EntityNotFoundError(message, "not_found", 404)
        return Table(matches, "pipelines")

    async def list_pipelines(
        self, workspace_id: int | None = None, workspace_name: str | None = None
    ) -> Table[AsyncPipeline]:
        """The pipelines of a workspace, or all that you may see; newest first.

        Raises EntityNotFoundError when there is no workspace of that name.
        """
        id = await self._workspace_filter(workspace_id, workspace_name)
        body = {"workspace_id": id, "workspace_name": None}
        items = (await self.session.read("pipelines/list_pipelines", body))["pipelines"]
        return Table((AsyncPipeline(self, _of(item)) for item in items), "pipelines")

    async def list_deployments(
        self, workspace_id: int | None = None, workspace_name: str | None = None
    ) -> Table[Deployment]:
        """What is deployed in a workspace, or in all that you may see; newest first.

        Raises EntityNotFoundError when there is no workspace of that name.
        """
        id = await self._workspace_filter(workspace_id, workspace_name)
        items = (await self.session.read("deployments/list", {"workspace_id": id}))["deployments"]
        return Table((Deployment(item, self.time_format) for item in items), "deployments")

    async def _pipeline(self, name: str, new: bool = False) -> AsyncPipeline:
        workspace = await self.get_current_workspace()
        body = {"pipeline_name": name, "workspace_id": workspace.id()}
        read = self.session.read_new if new else self.session.read
        return AsyncPipeline(self, _of(await read("pipelines/get_pipeline_by_name", body)))


def _of(item: dict[str, Any]) -> dict[str, Any]:
    return {**item["pipeline"], "workspace": item["workspace"]}
