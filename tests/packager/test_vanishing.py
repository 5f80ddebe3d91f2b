"""Folders that others change while they are looked at: uv's cache, builds, environments."""

import asyncio
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from services.packager.build import BuildLimits, _unlinked_bytes
from services.packager.environment_store import EnvironmentStore, Limits
from services.packager.walk import statuses
from services.packager.wheels import Wheels
from tests.packager.test_build import BuildFolder, build_folder

__all__ = ["build_folder"]


@contextmanager
def churning(folder: Path) -> Iterator[None]:
    """Files and folders come and go there."""
    over = threading.Event()

    def churn() -> None:
        while not over.is_set():
            below = folder / "come" / "and.dist-info"
            below.mkdir(parents=True, exist_ok=True)
            (below / "METADATA").write_text("x")
            (folder / ".tmp").write_text("x")
            (folder / ".tmp").unlink()
            shutil.rmtree(folder / "come")

    thread = threading.Thread(target=churn)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def test_a_walk_passes_over_what_has_gone(tmp_path: Path) -> None:
    for number in range(100):
        (tmp_path / f"{number}").write_text("x")
    with churning(tmp_path):
        for _ in range(300):
            assert _unlinked_bytes(tmp_path) >= 100
            assert sum(1 for _ in statuses(tmp_path)) >= 100
    assert list(statuses(tmp_path / "gone")) == []


def test_wheels_of_a_cache_that_changes_are_looked_for(tmp_path: Path) -> None:
    cache, environment = tmp_path / "cache", tmp_path / "env"
    info = environment / "lib" / "python3" / "site-packages" / "x.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").touch()
    archive = cache / "archive-v0"
    archive.mkdir(parents=True)
    wheels = Wheels(cache, tmp_path / "ready")
    with churning(archive):
        for _ in range(300):
            assert wheels.unready_folders(environment, {}) == []
    wheels.mark_ready([tmp_path / "gone"])
    assert wheels.ready() == {}


async def test_pruning_beside_builds_that_end(build_folder: BuildFolder) -> None:
    """Their folders go while it looks at them."""
    over = threading.Event()

    def others() -> None:
        while not over.is_set():
            work = build_folder.environments / ".building-7"
            work.mkdir(exist_ok=True)
            shutil.rmtree(work)

    builder = build_folder.builder()
    thread = threading.Thread(target=others)
    thread.start()
    try:
        for _ in range(100):
            await builder.prune(set())
    finally:
        over.set()
        thread.join()


def test_an_environment_that_another_builder_has_removed(tmp_path: Path) -> None:
    EnvironmentStore(tmp_path).remove("gone", ".building-")
    assert EnvironmentStore(tmp_path).environments() == []


async def test_the_cache_is_not_emptied_under_a_build(build_folder: BuildFolder) -> None:
    """uv's own lock is held by one command at a time; a build is several."""
    builder = build_folder.builder(
        limits=BuildLimits(cache_bytes=-1, store=Limits(environments=50))
    )
    order: list[str] = []
    begun, enough = asyncio.Event(), asyncio.Event()

    async def build(name: str) -> None:
        async with builder._watch.build(name):
            order.append(f"{name} begins")
            begun.set()
            await enough.wait()
            order.append(f"{name} ends")

    async def prune() -> None:
        await builder.prune(set())
        order.append("emptied")

    first = asyncio.create_task(build("first"))
    await begun.wait()
    pruning = asyncio.create_task(prune())
    while not builder._watch._exclusive.locked():  # noqa: ASYNC110 - it walks over the cache before
        await asyncio.sleep(0.01)
    second = asyncio.create_task(build("second"))
    await asyncio.sleep(0)
    assert order == ["first begins"]
    enough.set()
    await asyncio.gather(first, pruning, second)
    assert order[:2] == ["first begins", "first ends"]
    assert order.index("second begins") > order.index("first ends")
    assert sorted(order) == sorted([*order[:2], "emptied", "second begins", "second ends"])
