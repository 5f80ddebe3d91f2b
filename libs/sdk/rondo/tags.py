# Made from aio/tags.py by generate.py: change that one, then run this.
"""The part of a client that manages tags. The MLOps API has them in GraphQL only."""

from __future__ import annotations

from rondo.calls import Calls
from rondo.html import Table
from rondo.tag import Tag

_CREATE = """
mutation CreateTag($tag: String) { insert_tag(objects: {tag: $tag}) { returning { id tag } } }"""
_LIST = "query ListTags { tag(order_by: {id: desc}) { id tag } }"


class Tags(Calls):
    """Tags."""

    def create_tag(self, tag_text: str) -> Tag:
        """Create a tag with that text."""
        data = self.session.graphql(_CREATE, {"tag": tag_text})
        return Tag(self, data["insert_tag"]["returning"][0])

    def list_tags(self) -> Table[Tag]:
        """All tags, newest first."""
        data = self.session.graphql(_LIST, {})
        return Table((Tag(self, tag) for tag in data["tag"]), "tags")
