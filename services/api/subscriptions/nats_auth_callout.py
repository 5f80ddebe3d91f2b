"""Who is let into NATS: the server asks here about every connection that is not the platform's.

A subscriber may ask for the next event of their own consumer, ask about it, and acknowledge. They
are in an account of their own, where no request can be answered to a place outside of it: in the
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
from services.api.subscriptions import projection
from services.api.subscriptions.endpoint import opened

logger = logging.getLogger(__name__)

SUBJECT = "$SYS.REQ.USER.AUTH"
ACCOUNT = "SUBSCRIBERS"
_AT_ONCE = 8
_MOST_SUBSCRIPTIONS = 50  # of a connection
_MOST_BYTES = 64 << 10  # of a request
_REFUSED = "unknown subscriber or wrong password"


class _Options(msgspec.Struct):
    user: str = ""
    password: str = msgspec.field(default="", name="pass")

    def __repr__(self) -> str:
        return f"_Options({self.user!r})"


class _Server(msgspec.Struct):
    id: str


class _Asked(msgspec.Struct):
    server_id: _Server
    user_nkey: str
    connect_opts: _Options


class _Claims(msgspec.Struct):
    nats: _Asked


def digest(password: str) -> str:
    """What is kept of a password of 256 random bits."""
    return sha256(password.encode()).hexdigest()


def inbox(id: UUID) -> str:
    """What the subjects begin with that a subscriber hears answers on."""
    return f"_INBOX_{id}"


def rights(id: UUID) -> dict[str, object]:
    api = "$JS.API.CONSUMER"
    publish = [f"{api}.MSG.NEXT.{EVENTS}.{id}", f"{api}.INFO.{EVENTS}.{id}"]
    return {
        "pub": {"allow": [*publish, f"$JS.ACK.{EVENTS}.{id}.>"]},
        "sub": {"allow": [f"{inbox(id)}.>"]},
        "subs": _MOST_SUBSCRIPTIONS,
        "payload": _MOST_BYTES,
        "data": -1,  # no limit
    }


class Gate:
    """`entitled` says whether who created a subscription may still see what it tells."""

    def __init__(
        self,
        issuer: Issuer,
        rows: Database,
        vault: Vault,
        entitled: Callable[[Subscription], Awaitable[bool]],
    ) -> None:
        self._issuer = issuer
        self._rows = rows
        self._vault = vault
        self._entitled = entitled

    async def run(self, nats: Nats) -> None:
        """For ever. While no copy of the service answers, no one new is let in."""
        async with nats.requests(SUBJECT, "gate") as asked, asyncio.TaskGroup() as workers:
            for _ in range(_AT_ONCE):
                workers.create_task(self._work(nats, asked))

    async def _work(self, nats: Nats, asked: asyncio.Queue[Message]) -> None:
        while True:
            message = await asked.get()
            try:
                answer = await self.answer(message.data)
                await nats.publish(message.reply, answer)
            except Unavailable as problem:
                logger.warning("a subscriber waits in vain: %s", problem)
            except Exception:
                logger.exception("a question of the NATS server was not understood")

    async def answer(self, question: bytes) -> bytes:
        """Raises Unavailable, and ValueError or msgspec.ValidationError for what is no question."""
        about = msgspec.json.decode(claims(question), type=_Claims).nats
        key, server, options = about.user_nkey, about.server_id.id, about.connect_opts
        id = await self._subscriber(options.user, options.password)
        if id is None:
            return self._issuer.answer(key, server, error=_REFUSED)
        token = self._issuer.user(key, ACCOUNT, str(id), rights(id))
        return self._issuer.answer(key, server, token=token)

    async def _subscriber(self, user: str, password: str) -> UUID | None:
        """The subscription that they may be told of."""
        try:
            found = await projection.find(self._rows, UUID(user))
            if found is None or found.kind != "nats":
                return None
            kept = (await opened(self._vault, found.id, found.target)).secret
        except (ValueError, Shredded, CanNotOpen):
            return None
        good = hmac.compare_digest(kept, digest(password))
        return found.id if good and await self._entitled(found) else None
