"""Models as files of this machine, also where there is hardly room for them."""

import asyncio
import hashlib
import os
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest

from libs.blobs.local import LocalStore
from libs.domain.errors import Unavailable
from services.inference.control.model_cache import ModelCache
from tests import small_disk

FETCH = """
import asyncio, sys
from pathlib import Path
from libs.blobs.local import LocalStore
from services.inference.control.model_cache import ModelCache

folder, store, shas = Path(sys.argv[1]), LocalStore(Path(sys.argv[2])), sys.argv[3:]
cache = ModelCache(store, folder / "models", 1 << 30)
for sha in shas:
    try:
        asyncio.run(cache.open(sha, sha))
        print("open")
    except Exception as problem:
        left = [path.name for path in (folder / "models").rglob("*") if path.is_file()]
        print(type(problem).__name__, left)
"""


async def stored(store: LocalStore, folder: Path, size: int, number: int = 0) -> str:
    """The SHA-256, and key, of a file of so many bytes."""
    content = number.to_bytes(8, "big") + bytes(size - 8)
    sha = hashlib.sha256(content).hexdigest()
    (folder / sha).write_bytes(content)
    await store.put(sha, folder / sha)
    return sha


@small_disk.needed
async def test_a_full_disk_says_that_another_try_may_succeed(tmp_path: Path) -> None:
    """Not that there is something wrong with the model, which would be said of it for good."""
    blobs, disk = tmp_path / "blobs", tmp_path / "disk"
    large = await stored(LocalStore(blobs), tmp_path, 6 << 20)
    small = await stored(LocalStore(blobs), tmp_path, 1 << 20)
    program = (sys.executable, "-P", "-c", FETCH, str(disk), str(blobs), large, small)
    command = small_disk.on_small_disk(disk, 4, *program)
    done = await asyncio.to_thread(
        subprocess.run, command, capture_output=True, text=True, check=False
    )
    assert done.stdout.splitlines() == ["Unavailable []", "open"], done.stderr


async def test_models_come_and_go_at_once(tmp_path: Path) -> None:
    """There is room for one of them: some are gone before they are opened, none fails."""
    store = LocalStore(tmp_path / "blobs")
    shas = [await stored(store, tmp_path, 1 << 16, number) for number in range(8)]
    cache = ModelCache(store, tmp_path / "models", 1 << 16)

    async def use(sha: str) -> None:
        with suppress(Unavailable):
            os.close(await cache.open(sha, sha))

    for _ in range(20):
        await asyncio.gather(*map(use, shas))
    assert len([path for path in (tmp_path / "models").rglob("*") if path.is_file()]) == 1


async def test_what_is_no_blob_or_another_one_is_refused(tmp_path: Path) -> None:
    store = LocalStore(tmp_path / "blobs")
    sha = await stored(store, tmp_path, 100)
    cache = ModelCache(store, tmp_path / "models", 1 << 20)
    with pytest.raises(Exception, match="no blob"):
        await cache.open(sha, "nothing")
    with pytest.raises(Exception, match="not the one that was uploaded"):
        await cache.open("0" * 64, sha)
