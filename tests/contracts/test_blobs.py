"""What every blob store promises (libs/blobs/store.py), held against a folder and a real S3 server.

What only one of them can do wrong is in test_blobs_faults.py.
"""

import asyncio
import hashlib
import os
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from libs.blobs.open import open_store
from libs.blobs.s3 import PART
from libs.blobs.store import PIECE, BlobStore
from libs.domain.errors import Rejected
from tests import seaweed


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[seaweed.Seaweed]:
    with seaweed.serve(tmp_path_factory.mktemp("weed")) as running:
        yield running


@pytest.fixture(params=["folder", "s3"])
async def store(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[BlobStore]:
    url = f"file://{tmp_path}/blobs"
    if request.param == "s3":
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", seaweed.KEY)
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", seaweed.SECRET)
        server: seaweed.Seaweed = request.getfixturevalue("server")
        url = server.url("blobs", tmp_path.name)
    async with open_store(url) as opened:
        yield opened


def written(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


@pytest.mark.parametrize("size", [0, 1, PIECE, PIECE + 1, PART, PART + 1, 2 * PART + 7])
async def test_what_was_put_comes_back(store: BlobStore, tmp_path: Path, size: int) -> None:
    source = written(tmp_path / "in", os.urandom(size))
    await store.put("some/key", source)
    await store.get("some/key", tmp_path / "out")
    hashes = [hashlib.sha256((tmp_path / name).read_bytes()).digest() for name in ("in", "out")]
    assert hashes[0] == hashes[1]


async def test_put_replaces(store: BlobStore, tmp_path: Path) -> None:
    for content in (b"first, and longer", b"second"):
        await store.put("key", written(tmp_path / "in", content))
    await store.get("key", written(tmp_path / "out", b"what was here before"))
    assert (tmp_path / "out").read_bytes() == b"second"
    assert await store.list("") == ["key"]


async def test_readers_see_old_or_new(store: BlobStore, tmp_path: Path) -> None:
    versions = [bytes([n]) * (3 * PIECE) for n in (1, 2)]
    sources = [written(tmp_path / f"in{n}", content) for n, content in enumerate(versions)]
    await store.put("key", sources[0])

    async def replace() -> None:
        for n in range(1, 12):
            await store.put("key", sources[n % 2])

    replacing = asyncio.create_task(replace())
    while not replacing.done():
        await store.get("key", tmp_path / "out")
        assert (tmp_path / "out").read_bytes() in versions
    await replacing


async def test_a_missing_key(store: BlobStore, tmp_path: Path) -> None:
    out = written(tmp_path / "out", b"as it was")
    before = sorted(tmp_path.iterdir())
    with pytest.raises(Rejected, match="no blob not/there") as rejected:
        await store.get("not/there", out)
    assert rejected.value.code == "not_found"
    assert out.read_bytes() == b"as it was"
    assert sorted(tmp_path.iterdir()) == before
    assert not await store.exists("not/there")


async def test_delete_is_idempotent(store: BlobStore, tmp_path: Path) -> None:
    await store.put("a/key", written(tmp_path / "in", b"x"))
    assert await store.exists("a/key")
    for _ in range(2):
        await store.delete("a/key")
        assert not await store.exists("a/key")
    assert await store.list("") == []


async def test_list_by_prefix(store: BlobStore, tmp_path: Path) -> None:
    source = written(tmp_path / "in", b"x")
    for key in ("b/two", "a/x/1", "a/x/2", "a/xy", "a-b", "b/one"):
        await store.put(key, source)
    assert await store.list("") == ["a-b", "a/x/1", "a/x/2", "a/xy", "b/one", "b/two"]
    assert await store.list("a/x") == ["a/x/1", "a/x/2", "a/xy"]
    assert await store.list("a/x/") == ["a/x/1", "a/x/2"]
    assert await store.list("b/two") == ["b/two"]
    assert await store.list("c/") == []
    assert not await store.exists("a/x")


async def test_a_cancelled_put_leaves_nothing_half(store: BlobStore, tmp_path: Path) -> None:
    await store.put("key", written(tmp_path / "old", b"old"))
    with (tmp_path / "new").open("wb") as big:
        big.truncate(512 * PIECE)  # far more than the wait below lets through
    putting = asyncio.create_task(store.put("key", tmp_path / "new"))
    await asyncio.wait([putting], timeout=0.1)
    putting.cancel()
    await asyncio.wait([putting])
    assert putting.cancelled()
    await store.get("key", tmp_path / "out")
    assert (tmp_path / "out").read_bytes() == b"old"


@pytest.mark.parametrize(
    "key",
    [
        "",
        "/a",
        "a/",
        "a//b",
        "..",
        "../a",
        "a/../b",
        "./a",
        "a b",
        "a\n",
        "ä",
        "a~",
        "a?",
        "x" * 201,
        "x/" * 350 + "x",
    ],
)
async def test_what_is_not_a_key(store: BlobStore, tmp_path: Path, key: str) -> None:
    path = written(tmp_path / "file", b"x")
    for call in (
        store.put(key, path),
        store.get(key, path),
        store.delete(key),
        store.exists(key),
    ):
        with pytest.raises(Rejected, match="blob key") as rejected:
            await call
        assert rejected.value.code == "invalid"


async def test_what_is_not_a_prefix(store: BlobStore) -> None:
    for prefix in ("/", "../", "a b", "a//"):
        with pytest.raises(Rejected):
            await store.list(prefix)


async def test_a_working_store_is_ready(store: BlobStore) -> None:
    await store.check()
    assert await store.list("") == []
