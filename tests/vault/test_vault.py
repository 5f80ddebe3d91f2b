"""The vault on Postgres: a key for each owner, wrapped anew or destroyed for good (I9)."""

from collections.abc import AsyncIterator
from uuid import UUID, uuid4

import pytest

from libs.postgres import pool
from libs.postgres.pool import Database
from libs.vault.crypto import KEY_BYTES, CanNotOpen, Key
from libs.vault.ring import KeyRing, new_line
from libs.vault.vault import SCHEMA, Shredded, Vault

SECRET = b'{"password": "correct horse"}'
OLD, NEW = f"old {new_line().split()[1]}\n", f"new {new_line().split()[1]}\n"


@pytest.fixture
async def database(dsn: str) -> AsyncIterator[Database]:
    async with pool.connect(dsn, SCHEMA, durable=True, size=2) as database:
        await Vault(database, KeyRing(OLD)).migrate()
        yield database


@pytest.fixture
def vault(database: Database) -> Vault:
    return Vault(database, KeyRing(OLD))


async def wrapped(database: Database, owner: UUID) -> str:
    return str(await database.fetchval("SELECT wrapped FROM data_key WHERE owner = $1", owner))


async def test_only_its_owner_opens_a_secret(vault: Vault) -> None:
    mine, yours = uuid4(), uuid4()
    sealed = await vault.seal(mine, SECRET)
    await vault.seal(yours, b"other")
    assert await vault.open(mine, sealed) == SECRET
    with pytest.raises(CanNotOpen):
        await vault.open(yours, sealed)
    with pytest.raises(Shredded):
        await vault.open(uuid4(), sealed)


async def test_a_key_row_that_is_moved_opens_nothing(vault: Vault, database: Database) -> None:
    mine, yours = uuid4(), uuid4()
    sealed = await vault.seal(mine, SECRET)
    await vault.seal(yours, b"other")
    stolen = await wrapped(database, mine)
    await database.execute("UPDATE data_key SET wrapped = $2 WHERE owner = $1", yours, stolen)
    with pytest.raises(CanNotOpen):
        await vault.open(yours, sealed)


async def test_i9_what_is_shredded_no_remaining_key_opens(vault: Vault, database: Database) -> None:
    doomed = uuid4()
    sealed = await vault.seal(doomed, SECRET)
    await vault.seal(uuid4(), b"stays")
    await vault.shred(doomed)
    await vault.shred(doomed)
    with pytest.raises(Shredded):
        await vault.open(doomed, sealed)
    ring = KeyRing(OLD)
    left = await database.fetch("SELECT owner, wrapped FROM data_key")
    keys = [Key("d", ring.open(text, f"data-key/{owner}")) for owner, text in left]
    assert keys
    for key in [*keys, ring.newest, Key("d", bytes(KEY_BYTES))]:
        with pytest.raises(CanNotOpen):
            key.open(sealed, str(doomed))


async def test_after_rotation_the_old_key_is_needed_for_nothing(
    vault: Vault, database: Database
) -> None:
    owners = [uuid4() for _ in range(5)]
    sealed = {owner: await vault.seal(owner, str(owner).encode()) for owner in owners}
    both = Vault(database, KeyRing(OLD + NEW))
    assert await both.rotate() == len(owners)
    assert await both.rotate() == 0
    only_new = Vault(database, KeyRing(NEW))
    for owner, text in sealed.items():
        assert await only_new.open(owner, text) == str(owner).encode()
    with pytest.raises(CanNotOpen, match="new is not in the ring"):
        await vault.open(owners[0], sealed[owners[0]])


async def test_rotation_says_which_key_it_lacks(vault: Vault, database: Database) -> None:
    await vault.seal(uuid4(), SECRET)
    with pytest.raises(CanNotOpen, match="old is not in the ring"):
        await Vault(database, KeyRing(NEW)).rotate()


async def test_rotation_brings_no_shredded_key_back(vault: Vault, database: Database) -> None:
    """It was read by the rotation before it was shredded by somebody else."""
    owner = uuid4()
    await vault.seal(owner, SECRET)
    before = await wrapped(database, owner)
    await vault.shred(owner)
    assert not await Vault(database, KeyRing(OLD + NEW))._rewrap(owner, before)
    assert await database.fetchval("SELECT count(*) FROM data_key") == 0


async def test_an_owner_has_one_secret(vault: Vault) -> None:
    owner = uuid4()
    await vault.seal(owner, SECRET)
    with pytest.raises(Exception, match="duplicate key"):
        await vault.seal(owner, SECRET)
