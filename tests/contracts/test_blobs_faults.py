"""Blob stores in trouble: full disks, dead servers, wrong secrets, crashes, bad URLs."""

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from aiohttp import web

from libs.blobs.open import open_store
from libs.blobs.s3 import PART
from libs.domain.errors import Rejected, Unavailable
from tests import seaweed


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[seaweed.Seaweed]:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", seaweed.KEY)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", seaweed.SECRET)
    with seaweed.serve(tmp_path / "weed") as running:
        yield running


@pytest.fixture
def big(tmp_path: Path) -> Path:
    """A file of many parts, so that a fault finds its upload under way."""
    path = tmp_path / "big"
    with path.open("wb") as file:
        file.truncate(16 * PART)
    return path


async def uploads(server: seaweed.Seaweed, wanted: int) -> None:
    """Wait until the server has that many unfinished ones."""
    while len(await server.unfinished("blobs")) != wanted:
        pass


async def test_a_server_killed_during_a_put(
    server: seaweed.Seaweed, tmp_path: Path, big: Path
) -> None:
    async with open_store(server.url("blobs")) as store:
        putting = asyncio.create_task(store.put("key", big))
        await uploads(server, 1)
        server.kill()
        with pytest.raises(Unavailable, match="storing blob key"):
            await putting
        with pytest.raises(Unavailable, match="checking bucket blobs"):
            await store.check()
    with seaweed.serve(tmp_path / "weed") as again:
        async with open_store(again.url("blobs")) as store:
            assert await store.list("") == []
            assert not await store.exists("key")


async def test_a_server_killed_during_a_get(
    server: seaweed.Seaweed, tmp_path: Path, big: Path
) -> None:
    folder = tmp_path / "out"
    folder.mkdir()
    async with open_store(server.url("blobs")) as store:
        await store.put("key", big)
        getting = asyncio.create_task(store.get("key", folder / "file"))
        while not any(part.stat().st_size for part in folder.iterdir()):
            await asyncio.wait([getting], timeout=0.001)
        server.kill()
        with pytest.raises(Unavailable, match="reading blob key"):
            await getting
    assert list(folder.iterdir()) == []


async def test_a_failed_put_leaves_no_parts(server: seaweed.Seaweed, big: Path) -> None:
    async with open_store(server.url("blobs")) as store:
        putting = asyncio.create_task(store.put("key", big))
        await uploads(server, 1)
        putting.cancel()
        await asyncio.wait([putting])
        assert putting.cancelled()
        assert await server.unfinished("blobs") == []
        assert await store.list("") == []


async def test_no_server() -> None:
    with pytest.raises(Unavailable, match="opening bucket blobs"):
        async with open_store("s3://blobs?endpoint=http://127.0.0.1:1"):
            pass


async def test_a_wrong_secret(server: seaweed.Seaweed, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "not-the-secret")
    with pytest.raises(Unavailable, match="refuses our credentials") as unavailable:
        async with open_store(server.url("blobs")):
            pass
    assert "not-the-secret" not in str(unavailable.value)


async def test_no_credentials(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    with pytest.raises(Unavailable, match="set AWS_ACCESS_KEY_ID"):
        async with open_store("s3://blobs?endpoint=http://127.0.0.1:1"):
            pass


async def test_credentials_from_a_file(
    server: seaweed.Seaweed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "credentials"
    file.write_text(
        f"[default]\naws_access_key_id = {seaweed.KEY}\naws_secret_access_key = {seaweed.SECRET}\n"
    )
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(file))
    async with open_store(server.url("blobs")) as store:
        await store.check()


async def test_a_full_s3_server(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Servers differ in the code; 507 is what they share. Ours can't be filled up in a test."""

    async def answer(request: web.BaseRequest) -> web.Response:
        full = request.method == "PUT"
        return web.Response(status=507 if full else 200, content_type="application/xml")

    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "k")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "s")
    runner = web.ServerRunner(web.Server(answer))
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    (tmp_path / "in").write_bytes(b"x")
    try:
        async with open_store(f"s3://blobs?endpoint=http://127.0.0.1:{port}") as store:
            with pytest.raises(Rejected) as rejected:
                await store.put("key", tmp_path / "in")
            assert rejected.value.code == "no_space"
    finally:
        await runner.cleanup()


FILL = """
import asyncio, os, sys
from pathlib import Path
from libs.blobs.local import LocalStore
from libs.domain.errors import Rejected
from libs.linux.syscalls import CLONE_NEWNS, CLONE_NEWUSER, mount, unshare

try:
    unshare(CLONE_NEWNS | (CLONE_NEWUSER if os.geteuid() else 0))
    mount("none", "/", flags=16384 | 1 << 18)
    mount("tmpfs", sys.argv[1], "tmpfs", 0, "size=4m")
except PermissionError:
    sys.exit("mounting is not allowed here")
root = Path(sys.argv[1])
store = LocalStore(root / "blobs")
try:
    asyncio.run(store.put("key", Path(sys.argv[2])))
except Rejected as rejected:
    print(rejected.code, [p.name for p in root.rglob("*") if p.is_file()], rejected)
"""


def test_a_full_disk(tmp_path: Path, big: Path) -> None:
    folder = tmp_path / "small"
    folder.mkdir()
    done = subprocess.run(
        [sys.executable, "-c", FILL, folder, big], capture_output=True, text=True, check=False
    )
    if "not allowed here" in done.stderr:
        pytest.skip("no right to mount a small file system")
    assert done.stdout.startswith("no_space [] storing blob key: the disk is full"), done.stderr


async def test_what_a_crash_left_is_swept(tmp_path: Path) -> None:
    async with open_store(f"file://{tmp_path}"):
        pass
    old, fresh = tmp_path / "~" / "~old", tmp_path / "~" / "~fresh"
    for part in (old, fresh):
        part.write_bytes(b"half")
    two_days_ago = time.time() - 2 * 24 * 3600
    os.utime(old, (two_days_ago, two_days_ago))
    async with open_store(f"file://{tmp_path}") as store:
        assert await store.list("") == []
    assert [fresh.exists(), old.exists()] == [True, False]


async def test_folders_and_blobs_in_each_others_way(tmp_path: Path) -> None:
    source = tmp_path / "in"
    source.write_bytes(b"x")
    async with open_store(f"file://{tmp_path}/blobs") as store:
        await store.put("a/b", source)
        for key in ("a", "a/b/c"):
            with pytest.raises(Rejected) as rejected:
                await store.put(key, source)
            assert rejected.value.code == "conflict"
            assert not await store.exists(key)
        assert await store.list("") == ["a/b"]


async def test_a_folder_that_cannot_be(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(Unavailable, match="opening the blob folder"):
        async with open_store(f"file://{tmp_path}/file/blobs"):
            pass


@pytest.mark.parametrize(
    "url",
    [
        "",
        "/var/blobs",
        "http://127.0.0.1/blobs",
        "file://var/blobs",
        "file:///var/blobs?x=hush",
        "s3:///key",
        "s3://Bucket_/x",
        "s3://key:hush@bucket/x",
        "s3://bucket?endpoint=http://key:hush@127.0.0.1",
        "s3://bucket?endpoint=127.0.0.1:8333",
        "s3://bucket?secret_access_key=hush",
    ],
)
async def test_what_is_not_a_store(url: str) -> None:
    with pytest.raises(Rejected, match="blobs URL") as rejected:
        async with open_store(url):
            pass
    assert rejected.value.code == "invalid"
    assert "hush" not in str(rejected.value)
