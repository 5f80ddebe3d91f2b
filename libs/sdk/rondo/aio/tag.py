"""A tag: a word on versions of models and on pipelines."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rondo.inference_records import TagRecord

if TYPE_CHECKING:
    from rondo.aio.calls import AsyncCalls

_ADD_TO_MODEL = """
mutation AddTagToModel($id: bigint!, $tag: bigint!) {
  insert_model_tag(objects: {model_id: $id, tag_id: $tag}) { returning { tag_id } }
}"""
_REMOVE_FROM_MODEL = """
mutation RemoveTagFromModel($id: bigint!, $tag: bigint!) {
  delete_model_tag(where: {_and: [{model_id: {_eq: $id}} {tag_id: {_eq: $tag}}]}) {
    returning { tag_id }
  }
}"""
_ADD_TO_PIPELINE = """
mutation AddTagToPipeline($id: bigint!, $tag: bigint!) {
  insert_pipeline_tag(objects: {pipeline_pk_id: $id, tag_pk_id: $tag}) { returning { tag_pk_id } }
}"""
_REMOVE_FROM_PIPELINE = """
mutation RemoveTagFromPipeline($id: bigint!, $tag: bigint!) {
  delete_pipeline_tag(where: {_and: [{pipeline_pk_id: {_eq: $id}} {tag_pk_id: {_eq: $tag}}]}) {
    returning { tag_pk_id }
  }
}"""


class AsyncTag(TagRecord):
    """A word that you put on things to find them again."""

    def __init__(self, client: AsyncCalls, data: dict[str, Any]) -> None:
        super().__init__(data, client.time_format)
        self._client = client

    async def add_to_model(self, model_id: int) -> None:
        """Put it on the version of a model with that number."""
        await self._send(_ADD_TO_MODEL, model_id)

    async def remove_from_model(self, model_id: int) -> None:
        """Take it from the version of a model with that number."""
        await self._send(_REMOVE_FROM_MODEL, model_id)

    async def add_to_pipeline(self, pipeline_id: int) -> None:
        """Put it on the pipeline with that number."""
        await self._send(_ADD_TO_PIPELINE, pipeline_id)

    async def remove_from_pipeline(self, pipeline_id: int) -> None:
        """Take it from the pipeline with that number."""
        await self._send(_REMOVE_FROM_PIPELINE, pipeline_id)

    async def _send(self, document: str, id: int) -> None:
        await self._client.session.graphql(document, {"id": id, "tag": self.id()})
