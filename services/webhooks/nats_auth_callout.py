"""Lets subscribers into NATS: its server asks here about each connection but the platform's.

A subscriber may ask for the next event of their own consumer, ask about it, and acknowledge. They
are in an account of their own, where no request can be answered to a subject outside of it: in the
platform's account the reply subject of a request alone would do as a publish (docs/adr/0009).
"""

import asyncio
import hmac
import logging
from collections.abc import Awaitable, Callable
from hashlib import sha256
from uuid import UUID

import msgspec

from libs.domain.errors import Unavailable
from libs.domain.subscription import Subscription
from libs.eventlog.nats_client import Message, Nats
from libs.eventlog.streams import EVENTS
from libs.natsjwt.issuer import Issuer, claims
from libs.postgres.pool import Database
from libs.vault.vault import CanNotOpen, Shredded, Vault
from services.webhooks import projection
from services.webhooks.endpoint import unseal

logger = logging.getLogger(__name__)

SUBJECT = "$SYS.REQ.USER.AUTH"
ACCOUNT = "SUBSCRIBERS"
_MAX_CONCURRENT = 8
_MAX_SUBSCRIPTIONS = 50  # of a connection
_MAX_REQUEST_BYTES = 64 << 10
_REFUSED = "unknown subscriber or wrong password"


class _Options(msgspec.Struct):
    user: str = ""
    password: str = msgspec.field(default="", name="pass")

    def __repr__(self) -> str:
        return f"_Options({self.user!r})"


class _Server(msgspec.Struct):
    id: str


class _Request(msgspec.Struct):
    server_id: _Server
    user_nkey: str
    connect_opts: _Options


class _Claims(msgspec.Struct):
    nats: _Request


def digest(password: str) -> str:
    """What the platform stores of a password, which has 256 random bits: its SHA-256 in hex."""
    return sha256(password.encode()).hexdigest()


def inbox(id: UUID) -> str:
    """The prefix of the subjects on which a subscriber receives answers."""
    return f"_INBOX_{id}"


def rights(id: UUID) -> dict[str, object]:
    """The permissions and limits of a subscriber's connection, as NATS' user claims name them."""
    api = "$JS.API.CONSUMER"
    publish = [f"{api}.MSG.NEXT.{EVENTS}.{id}", f"{api}.INFO.{EVENTS}.{id}"]
    return {
        "pub": {"allow": [*publish, f"$JS.ACK.{EVENTS}.{id}.>"]},
        "sub": {"allow": [f"{inbox(id)}.>"]},
        "subs": _MAX_SUBSCRIPTIONS,
        "payload": _MAX_REQUEST_BYTES,
        "data": -1,  # no limit
    }


class AuthCallout:
    """Answers the NATS server's questions about connections. `is_allowed` says whether a
    subscription's owner may still see its workspace."""

    def __init__(
        self,
        issuer: Issuer,
        rows: Database,
        vault: Vault,
        is_allowed: Callable[[Subscription], Awaitable[bool]],
    ) -> None:
        self._issuer = issuer
        self._rows = rows
        self._vault = vault
        self._is_allowed = is_allowed

    async def run(self, nats: Nats) -> None:
        """Answers for ever. While no copy of the service answers, no new connection is let in."""
        async with nats.requests(SUBJECT, "gate") as requests, asyncio.TaskGroup() as workers:
            for _ in range(_MAX_CONCURRENT):
                workers.create_task(self._work(nats, requests))

    async def _work(self, nats: Nats, requests: asyncio.Queue[Message]) -> None:
        while True:
            message = await requests.get()
            try:
                answer = await self.answer(message.data)
                await nats.publish(message.reply, answer)
            except Unavailable as problem:
                logger.warning("a subscriber waits in vain: %s", problem)
            except Exception:
                logger.exception("a request of the NATS server was not understood")

    async def answer(self, request: bytes) -> bytes:
        """The signed answer to a request: a user's token, or an error. Raises Unavailable, and
        ValueError or msgspec.ValidationError for what is no request of the server's."""
        about = msgspec.json.decode(claims(request), type=_Claims).nats
        key, server, options = about.user_nkey, about.server_id.id, about.connect_opts
        id = await self._subscriber(options.user, options.password)
        if id is None:
            return self._issuer.answer(key, server, error=_REFUSED)
        token = self._issuer.user(key, ACCOUNT, str(id), rights(id))
        return self._issuer.answer(key, server, token=token)

    async def _subscriber(self, user: str, password: str) -> UUID | None:
        """The subscription whose events the user may read; None for a wrong name or password."""
        try:
            subscription = await projection.find(self._rows, UUID(user))
            if subscription is None or subscription.kind != "nats":
                return None
            secret = (await unseal(self._vault, subscription.id, subscription.target)).secret
        except (ValueError, Shredded, CanNotOpen):
            return None
        matches = hmac.compare_digest(secret, digest(password))
        return subscription.id if matches and await self._is_allowed(subscription) else None
