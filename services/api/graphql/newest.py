"""When something that has versions was changed last: when its newest version came."""

from typing import Any

from services.api.graphql.where import Row
from services.api.http.request_context import RequestContext


async def updated_at(_: RequestContext, row: Row) -> Any:
    """Of a row with its `_id` and the newest versions by id, `_newest`."""
    newest = await row["_newest"].of(row["_id"])
    return newest[0].created_at if newest else row["created_at"]
