"""Devices that log in by somebody who signs in elsewhere: the codes of RFC 8628."""

import math
import secrets
from datetime import timedelta
from hashlib import sha256
from typing import Literal
from uuid import UUID

import msgspec

from libs.identity.bounds import Allowance
from libs.identity.login import TooSoon
from libs.postgres.pool import Database
from libs.postgres.statements import load

EXPIRES_SECONDS = 600
INTERVAL_SECONDS = 5
_SQL = load(__name__)
_MAX_WAITING = 10_000
_PER_ADDRESS = (100, 2.0)  # logins begun at once, then one every so many seconds
_LEEWAY = timedelta(milliseconds=500)  # sleeps of five seconds are sometimes a little shorter
_LETTERS = "BCDFGHJKLMNPQRSTVWXZ"  # no vowels, so no words; nothing that looks like a digit

Waiting = Literal["authorization_pending", "slow_down", "expired_token"]


class Codes(msgspec.Struct, frozen=True):
    """`device` is the secret of who asked, `user` what people compare or type."""

    device: str
    user: str

    def __repr__(self) -> str:
        return f"Codes({self.user})"


class Devices:
    def __init__(self, database: Database) -> None:
        self._database = database
        self._addresses = Allowance(*_PER_ADDRESS)

    async def start(self, address: str) -> Codes:
        """New codes for a device, good for ten minutes.

        Raises TooSoon when more devices wait, in all or from `address`, than there can be people.
        """
        if wait := self._addresses.wait(address):
            raise TooSoon(math.ceil(wait))
        self._addresses.use(address)
        await self._database.execute(_SQL["delete_expired_devices"])
        if await self._database.fetchval(_SQL["count_devices"]) >= _MAX_WAITING:
            raise TooSoon(EXPIRES_SECONDS)
        codes = Codes(secrets.token_urlsafe(32), _user_code())
        await self._database.execute(
            _SQL["create_device"],
            _digest(codes.device),
            codes.user,
            timedelta(seconds=EXPIRES_SECONDS),
        )
        return codes

    async def approve(self, user_code: str, account: UUID) -> bool:
        """Signs `account` in on the device that waits under `user_code`; False where none does."""
        approved = await self._database.fetchval(_SQL["approve_device"], normal(user_code), account)
        return approved is not None

    async def poll(self, device_code: str) -> UUID | Waiting:
        """The user who has signed in, given once; or why there is none (RFC 8628, 3.5)."""
        code = _digest(device_code)
        account = await self._database.fetchval(_SQL["take_account"], code)
        if account is not None:
            return UUID(str(account))
        row = await self._database.fetchrow(_SQL["poll_device"], code)
        if row is None:
            return "expired_token"
        soon = row["since"] < timedelta(seconds=INTERVAL_SECONDS) - _LEEWAY
        return "slow_down" if soon else "authorization_pending"


def normal(user_code: str) -> str:
    """The code as it is kept. People type it in any case, with or without the dash."""
    letters = [letter for letter in user_code.upper() if letter in _LETTERS]
    return "".join(letters[:4]) + "-" + "".join(letters[4:8])


def _user_code() -> str:
    return normal("".join(secrets.choice(_LETTERS) for _ in range(8)))


def _digest(device_code: str) -> bytes:
    return sha256(device_code.encode()).digest()
