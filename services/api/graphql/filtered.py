"""What a filter says of where and when the things are that match: asked of the rows at once."""

from collections.abc import Mapping
from typing import Any

from libs.domain.workspace import Workspace
from services.api.access import authorize as access
from services.api.graphql.where import Where, conditions, must_equal
from services.api.http.request_context import RequestContext
from services.api.read_model.models import FIRST_INSTANT, LAST_INSTANT, Search


async def within(context: RequestContext, where: Where | None, *path: str) -> dict[int, Workspace]:
    """The workspaces that the caller may see, of which the filter may want only some; by number.
    `path` leads to what has a `workspace_id` and a `workspace`."""
    return {
        state.id: state
        for state in await access.workspaces(context.user, context.store.rows)
        if must_equal(where, *path, "workspace_id") in (None, state.id)
        and must_equal(where, *path, "workspace", "id") in (None, state.id)
        and must_equal(where, *path, "workspace", "name") in (None, state.name)
    }


def search_of(args: Mapping[str, Any], where: Where | None, *times: str) -> Search:
    """The term of `args`, and between which instants the filter wants all of the fields `times`."""
    return Search(
        term=args.get("search") or "",
        since=max(_bounds(where, times, "_gt", "_gte"), default=FIRST_INSTANT),
        until=min(_bounds(where, times, "_lt", "_lte"), default=LAST_INSTANT),
    )


def _bounds(where: Where | None, times: tuple[str, ...], *operators: str) -> list[Any]:
    found = [one for time in times for one in conditions(where, time)]
    return [one[name] for one in found for name in operators if one.get(name) is not None]
