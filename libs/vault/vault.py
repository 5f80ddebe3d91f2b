"""The vault: each owner's secret is sealed with a key of its own, which can be destroyed.

The sealed text may lie where nothing is ever deleted, like the event log. Its data key lies here,
wrapped by the key ring; once that is gone the text can't be opened by anybody (crypto-shredding).
"""

from uuid import UUID

from libs.postgres.migrate import migrate
from libs.postgres.pool import Database
from libs.postgres.statements import load
from libs.vault.crypto import CanNotOpen, Key, key_id, new_material
from libs.vault.ring import KeyRing

SCHEMA = "vault"
_SQL = load(__name__)
_DATA_KEY = "d"  # every owner has one key only


class Shredded(Exception):
    """The key is destroyed, or never was: the secret is gone for good."""


class Vault:
    """`database` must commit durably: a key that is lost takes its secret with it."""

    def __init__(self, database: Database, ring: KeyRing) -> None:
        self._database = database
        self._ring = ring

    async def migrate(self) -> None:
        await migrate(self._database, "libs.vault")

    async def seal(self, owner: UUID, secret: bytes) -> str:
        """A text that only `open` for the same owner can read. An owner has one secret, ever."""
        material = new_material()
        wrapped = self._ring.newest.seal(material, _wrapping(owner))
        await self._database.execute(_SQL["insert_key"], owner, wrapped)
        return Key(_DATA_KEY, material).seal(secret, str(owner))

    async def seal_anew(self, owner: UUID, secret: bytes) -> str:
        """Like `seal`, for a command that may have come before: an owner that has a key keeps it,
        and texts sealed with it earlier stay readable."""
        wrapped = await self._database.fetchval(
            _SQL["insert_key_or_keep"],
            owner,
            self._ring.newest.seal(new_material(), _wrapping(owner)),
        )
        return Key(_DATA_KEY, self._ring.open(wrapped, _wrapping(owner))).seal(secret, str(owner))

    async def open(self, owner: UUID, sealed: str) -> bytes:
        """Raises Shredded; CanNotOpen when it is not this owner's, or the ring lacks a key."""
        wrapped = await self._database.fetchval(_SQL["find_key"], owner)
        if wrapped is None:
            raise Shredded(f"the secret of {owner} is gone")
        material = self._ring.open(wrapped, _wrapping(owner))
        return Key(_DATA_KEY, material).open(sealed, str(owner))

    async def shred(self, *owners: UUID) -> None:
        """Destroys their keys. Once more does nothing."""
        await self._database.execute(_SQL["delete_keys"], owners)

    async def rotate(self) -> int:
        """Wraps by the newest key what an older one has wrapped; says how many data keys.

        Afterwards the older keys are needed for nothing. Raises CanNotOpen, having done a part,
        when the ring lacks a key that is still needed.
        """
        done = 0
        for owner, wrapped in await self._database.fetch(_SQL["all_keys"]):
            if key_id(wrapped) != self._ring.newest.id:
                done += await self._rewrap(owner, wrapped)
        return done

    async def _rewrap(self, owner: UUID, wrapped: str) -> bool:
        """Whether it was there still: an update can't bring back a key that was shredded."""
        material = self._ring.open(wrapped, _wrapping(owner))
        found = await self._database.fetchval(
            _SQL["rewrap_key"],
            owner,
            wrapped,
            self._ring.newest.seal(material, _wrapping(owner)),
        )
        return bool(found)


def _wrapping(owner: UUID) -> str:
    """Another identity than the secret's own, so that neither text passes for the other."""
    return f"data-key/{owner}"


__all__ = ["SCHEMA", "CanNotOpen", "Shredded", "Vault"]
