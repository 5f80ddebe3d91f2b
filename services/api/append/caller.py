"""Who gives a command, and by which request."""

from dataclasses import dataclass

from libs.eventlog.envelope import Context
from libs.identity.users import User


@dataclass(frozen=True)
class Caller:
    """A user and their request.

    `request_id` goes into the events that the request leads to. `idempotency_key` is the header of
    a command that may be sent again, not checked yet.
    """

    user: User
    request_id: str
    idempotency_key: str | None = None

    @property
    def context(self) -> Context:
        """The context under which events of this request are appended."""
        return Context(source="api", actor=str(self.user.id), correlation=self.request_id)
