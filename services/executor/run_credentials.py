"""The login that each run finds in its home: a token of its task's owner, for its workspace only.

It lies where SDKs keep their logins, so that a client made without arguments uses it, and nowhere
else: in no environment, argv or log.
"""

from uuid import UUID

import msgspec

from libs.domain.task import Task
from libs.runtoken.token import Grant, RunTokens

PATH = ".cache/wallaroo_sdk/auth/keycloak.json"

_DAY = 24 * 3600
_MARGIN = 3600  # seconds that a token outlives its run's timeout
_ENDLESS = 366 * _DAY  # how long a run without a timeout may renew its token


class _Login(msgspec.Struct):
    """What is good until when, in seconds since the epoch."""

    access_token: str
    expiry: float
    refresh_token: str
    refresh_token_expiry: float
    user_id: str
    user_email: str


def login(tokens: RunTokens, task: Task, run: UUID, email: str | None = None) -> dict[str, bytes]:
    """As files below the run's home. The API takes the tokens until the run has ended.

    `email` is the owner's; if nobody knows it, the API puts it into the tokens that it renews.
    """
    now = int(tokens.clock())
    refreshed_until = now + (_ENDLESS if task.timeout is None else task.timeout + _MARGIN)
    until = now + _DAY if task.timeout is None else refreshed_until
    grant = Grant(task.owner, task.workspace, task.id, run)
    email = email or f"{task.owner}@users.invalid"
    found = _Login(
        tokens.sign(grant, "Run", email, until),
        until,
        tokens.sign(grant, "RunRefresh", email, refreshed_until),
        refreshed_until,
        task.owner,
        email,
    )
    return {PATH: msgspec.json.encode(found)}
