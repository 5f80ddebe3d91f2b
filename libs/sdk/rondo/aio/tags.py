"""The part of a client that manages tags. The MLOps API has them in GraphQL only."""

from __future__ import annotations

from rondo.aio.calls import AsyncCalls
from rondo.aio.tag import AsyncTag
from rondo.html import Table

_CREATE = """
mutation CreateTag($tag: String) { insert_tag(objects: {tag: $tag}) { returning { id tag } } }"""
_LIST = "query ListTags { tag(order_by: {id: desc}) { id tag } }"


class AsyncTags(AsyncCalls):
    """Tags."""

    async def create_tag(self, tag_text: str) -> AsyncTag:
        """Create a tag with that text."""
        data = await self.session.graphql(_CREATE, {"tag": tag_text})
        return AsyncTag(self, data["insert_tag"]["returning"][0])

    async def list_tags(self) -> Table[AsyncTag]:
        """All tags, newest first."""
        data = await self.session.graphql(_LIST, {})
        return Table((AsyncTag(self, tag) for tag in data["tag"]), "tags")
