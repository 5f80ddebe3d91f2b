"""A start right after everything was killed at once, whoever is to reap what is left of it."""

import asyncio
import ctypes
import os
import signal
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from libs.linux.proc import holds, lives
from libs.supervisor.folder import open_folder
from libs.supervisor.postgres import _forget_ended
from tests.supervisor.instance import Instance, descendants, wait_until

_SUBREAPER = 36  # prctl(2)


@pytest.fixture
def orphans() -> Iterator[None]:
    """They come to us, and we are a first process that does not look after them."""
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(_SUBREAPER, 1, 0, 0, 0)
    try:
        yield
    finally:
        libc.prctl(_SUBREAPER, 0, 0, 0, 0)


def test_zombies_are_no_obstacle(orphans: None, tmp_path: Path) -> None:
    with Instance(tmp_path) as first:
        access = first.ready()
        doomed = [first.process.pid, *descendants(first.process.pid)]
        postgres = first.pid("postgres")
        for pid in doomed:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        wait_until(lambda: not any(lives(pid) for pid in doomed))
    os.kill(postgres, 0)  # so that it is a zombie still
    assert (tmp_path / "data" / "postgres" / "postmaster.pid").read_text().startswith(f"{postgres}")
    with Instance(tmp_path) as second:
        assert second.ready() == access
    for pid in doomed[1:]:
        with suppress(ChildProcessError):
            os.waitpid(pid, 0)


@pytest.mark.parametrize("pid", [1, os.getpid(), os.getppid()], ids=["first", "mine", "parent"])
def test_a_number_that_somebody_else_has_now_is_no_server_s(pid: int, tmp_path: Path) -> None:
    file = tmp_path / "postmaster.pid"
    file.write_text(f"{pid}\n/data\n")
    _forget_ended(file, tmp_path)
    assert not file.exists()


def test_a_server_that_works_there_keeps_its_file(tmp_path: Path) -> None:
    file = tmp_path / "postmaster.pid"
    file.write_text(f"{os.getpid()}\n")
    _forget_ended(file, Path.cwd())
    assert file.exists()
    for nothing in ("", "no number\n"):
        file.write_text(nothing)
        _forget_ended(file, tmp_path)
        assert file.exists()


async def test_the_lock_is_its_holder_s_and_not_of_its_number(tmp_path: Path) -> None:
    """What is left of a killed instance is waited for, though its pid is another's by now."""
    async with open_folder(tmp_path / "data") as folder:
        assert holds(os.getpid(), folder.lock)
        left = os.fork()
        if left == 0:
            signal.pause()
            os._exit(0)
        os.pwrite(folder.lock, b"1".ljust(20), 0)  # who lives, and holds nothing
    try:
        opening = asyncio.ensure_future(_opened(tmp_path / "data"))
        await asyncio.sleep(0)
        assert not opening.done()
    finally:
        os.kill(left, signal.SIGKILL)
        await asyncio.to_thread(os.waitpid, left, 0)
    await opening


async def _opened(path: Path) -> None:
    async with open_folder(path):
        pass
