"""Callers that are no persons: the code of a run, and programs with a service token.

They act as a person, their owner, in some workspaces only. They have none of an administrator's
rights, and what concerns people rather than work (members, users, other workspaces, what happens
to connections) is closed to them: who reads the token may be somebody else than its owner. Which
routes are open to them stands in the table of routes, as `machines`.
"""

from collections.abc import Collection
from uuid import UUID

import msgspec

from libs.domain.errors import Rejected
from libs.identity.users import User


class MachinePrincipal(User, frozen=True, kw_only=True):
    """Its owner as it may act: `admin` is never set. `entitled` says that they are an
    administrator, who needs not be a member of the workspaces in `scope`. `run` is the run whose
    code it is, if it is one's."""

    scope: frozenset[int]
    entitled: bool
    run: UUID | None = None


def acting_for(owner: User, scope: Collection[int], run: UUID | None = None) -> MachinePrincipal:
    """`owner` as a machine of theirs may act, in the workspaces `scope`."""
    fields = msgspec.structs.asdict(owner) | {"admin": False}
    return MachinePrincipal(**fields, scope=frozenset(scope), entitled=owner.admin, run=run)


def persons_only() -> Rejected:
    return Rejected(
        "forbidden",
        "Authorization: this is not for code in tasks or other programs; log in yourself",
    )
