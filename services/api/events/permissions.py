"""What a caller may see while a stream is open: rights may end meanwhile (I8).

Members come and go by events. The tail shows those too, in their order, so rights are looked up
again before anything that came after them is shown. What is no event (a token that expires, a user
who is disabled) is looked up every RENEW_EVERY_SECONDS.
"""

import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from dataclasses import replace

from libs.domain.errors import Rejected
from libs.domain.event_filter import EventFilter
from libs.domain.events import WorkspaceCreated, WorkspaceMemberAdded, WorkspaceMemberRemoved
from libs.domain.ids import PLATFORM
from libs.eventfeed.follow import Batch, follow
from libs.eventlog.envelope import Recorded
from libs.identity.users import User
from services.api.access import authorize as access
from services.api.http.authentication import authenticated
from services.api.http.request_context import RequestContext

RENEW_EVERY_SECONDS = 5.0


class Permit:
    """The rights of a caller. `authenticate` returns them anew, or raises Rejected."""

    def __init__(
        self,
        context: RequestContext,
        filter: EventFilter,
        authenticate: Callable[[], Awaitable[User]] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._context = context
        self._filter = filter
        self._authenticate = authenticate or self._by_token
        self._clock = clock
        self._me = str(context.user.id)
        self._visible: frozenset[int] | None = frozenset()
        self._good_until = clock()
        self._changes = 0  # of the caller's access, seen so far

    @property
    def context(self) -> RequestContext:
        return self._context

    async def _by_token(self) -> User:
        return await authenticated(self._context.resources, self._context.request)

    def wants(self, event: Recorded) -> bool:
        """Whether an event may be shown, or changes the caller's rights (then `shows` decides)."""
        if self._concerns_me(event):
            self._changes += 1
            self._good_until = self._clock()
            return True
        return self._filter.wants(event) and (self._is_stale() or self._sees(event))

    def shows(self, event: Recorded) -> bool:
        return self._filter.wants(event) and self._sees(event)

    async def subjects(self) -> list[str]:
        await self.renew()
        return self._filter.subjects_in(self._visible)

    async def renew(self) -> None:
        """Read the rights anew. Rejected if the caller may not go on."""
        changes = None
        while changes != self._changes:
            # Stale until it is done, so that nothing is left out by rights that were just given.
            changes, good_until = self._changes, self._clock() + RENEW_EVERY_SECONDS
            self._context = replace(self._context, signed_in=await self._authenticate())
            self._visible = await self._allowed()
        self._good_until = good_until

    async def hold(self) -> None:
        """Call it before a batch is shown. Rejected if the caller may not go on."""
        if self._is_stale():
            await self.renew()

    def _is_stale(self) -> bool:
        return self._clock() >= self._good_until

    def _sees(self, event: Recorded) -> bool:
        return self._visible is None or event.stream.workspace in self._visible

    def _concerns_me(self, event: Recorded) -> bool:
        match event.event:
            case WorkspaceCreated(owner=user):
                return user == self._me
            case WorkspaceMemberAdded(user=user) | WorkspaceMemberRemoved(user=user):
                return user == self._me
        return False

    async def _allowed(self) -> frozenset[int] | None:
        """The workspaces whose events are shown; None for all."""
        context, chosen = self._context, self._filter.workspaces
        rows = context.store.rows
        if chosen is None:
            if context.user.admin:
                return None
            return frozenset(state.id for state in await access.workspaces(context.user, rows))
        for id in sorted(chosen):
            if id != PLATFORM:
                await access.workspace(context.user, rows, id, "workspace")
            elif not context.user.admin:
                raise Rejected(
                    "forbidden",
                    "workspace: 0 has what lies in no workspace, for administrators only",
                )
        return chosen


async def live(permit: Permit, after: int | None = None) -> AsyncGenerator[Batch, None]:
    """As `follow`, with only what the permit allows; Rejected when the rights end."""
    async with aclosing(follow(permit.context.store, permit, after)) as batches:
        async for batch in batches:
            await permit.hold()
            yield Batch([event for event in batch.events if permit.shows(event)], batch.through)
