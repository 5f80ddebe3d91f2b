"""Pages of a list, newest first: each begins where the one before it ended."""

from collections.abc import Sequence
from typing import Protocol, TypeVar
from urllib.parse import urlencode

from services.api.dashboard.page_context import PageContext
from services.api.text import number

_SIZE = 50


class Placed(Protocol):
    @property
    def seq(self) -> int: ...


Item = TypeVar("Item", bound=Placed)


class Paging:
    """`fields` are the parameters that all pages of the list share.

    Read `limit` items, one more than a page shows: it says whether there is another page.
    """

    limit = _SIZE + 1

    def __init__(self, visit: PageContext, *fields: str) -> None:
        request = visit.context.request
        before = request.query.get("before", "")
        self.before = number(before)
        self._path = request.path
        self._kept = {name: request.query[name] for name in fields if request.query.get(name)}
        self.older = ""

    def shown(self, items: Sequence[Item]) -> Sequence[Item]:
        """The items of this page."""
        if len(items) > _SIZE:
            self.older = self._address(before=str(items[_SIZE - 1].seq))
        return items[:_SIZE]

    @property
    def newest(self) -> str:
        """The address of the first page; empty on it."""
        return self._address() if self.before else ""

    def _address(self, **more: str) -> str:
        query = urlencode({**self._kept, **more})
        return f"{self._path}?{query}" if query else self._path
