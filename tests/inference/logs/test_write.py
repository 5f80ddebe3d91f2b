"""What was appended is there, whatever became of who appended it."""

import errno
import fcntl
import os
import random
import resource
import signal
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from libs.domain.errors import Rejected, Unavailable
from libs.service.disk_reserve import DiskReserve
from services.inference.logs.frames import MARK, SUFFIX
from services.inference.logs.write import Writer
from tests.inference.logs import append_many
from tests.inference.logs.records import AT, head, json_body, numbered, written

RESERVE = DiskReserve(None, 0)
BODY = json_body([[1.0, 2.0]])


def files(folder: Path) -> list[Path]:
    return sorted(folder.glob(f"*{SUFFIX}"))


def may_be_sealed(path: Path) -> bool:
    with path.open() as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
    return True


def test_an_append_is_readable_by_others_at_once(tmp_path: Path) -> None:
    writer = Writer(tmp_path, RESERVE)
    heads = [head(time=AT + n) for n in range(3)]
    for n, one in enumerate(heads, start=1):
        writer.append(one, BODY)
        assert [found for found, _ in written(tmp_path)] == heads[:n]
    writer.close()


def test_a_writer_that_appends_nothing_has_no_file(tmp_path: Path) -> None:
    Writer(tmp_path / "log", RESERVE).close()
    assert not files(tmp_path / "log")


def test_a_full_file_is_given_up_and_another_begun(tmp_path: Path) -> None:
    writer = Writer(tmp_path, RESERVE, max_bytes=1)
    for _ in range(3):
        writer.append(head(), BODY)
    writer.close()
    assert [may_be_sealed(path) for path in files(tmp_path)] == [True] * 3


def test_a_file_that_may_grow_can_not_be_sealed_until_it_is_old(tmp_path: Path) -> None:
    writer = Writer(tmp_path, RESERVE, sync_seconds=0.01, max_age_seconds=0.5)
    writer.append(head(), BODY)
    (path,) = files(tmp_path)
    assert not may_be_sealed(path)
    with path.open() as file:
        fcntl.flock(file, fcntl.LOCK_EX)  # waits for it
    writer.close()


@pytest.mark.parametrize("seed", range(6))
def test_a_kill_loses_no_append_and_doubles_none(tmp_path: Path, seed: int) -> None:
    draw = random.Random(seed)
    appended: list[int] = []
    for _ in range(2):
        program = [sys.executable, append_many.__file__, str(tmp_path), str(10_000 * len(appended))]
        environment = dict(os.environ, PYTHONPATH=str(Path(__file__).parents[3]))
        with subprocess.Popen(
            [*program, "4000"], stdout=subprocess.PIPE, env=environment, text=True
        ) as process:
            assert process.stdout is not None
            said = [int(process.stdout.readline()) for _ in range(draw.randrange(1, 300))]
            process.send_signal(signal.SIGKILL)
            said += [int(line) for line in process.stdout if line.endswith("\n")]
        appended += said
    found = [one.id for one, _ in written(tmp_path)]
    assert len(set(found)) == len(found)
    assert {numbered(n) for n in appended} <= set(found)
    assert len(found) <= len(appended) + 2
    assert all(may_be_sealed(path) for path in files(tmp_path))


@pytest.mark.parametrize("cut", [1, 3, 11, 12, 40, len(BODY)])
def test_a_torn_last_frame_is_no_record(tmp_path: Path, cut: int) -> None:
    writer = Writer(tmp_path, RESERVE)
    heads = [head(), head()]
    for one in heads:
        writer.append(one, BODY)
    writer.close()
    (path,) = files(tmp_path)
    path.write_bytes(path.read_bytes()[:-cut])
    assert [found for found, _ in written(tmp_path)] == heads[:1]


@pytest.mark.parametrize("content", [b"", MARK[:4], MARK, MARK + bytes(4096), b"x" * 100])
def test_what_is_no_frame_is_no_record(tmp_path: Path, content: bytes) -> None:
    (tmp_path / f"1{SUFFIX}").write_bytes(content)
    assert not list(written(tmp_path))


def test_a_changed_byte_ends_the_file(tmp_path: Path) -> None:
    writer = Writer(tmp_path, RESERVE)
    heads = [head(), head(), head()]
    for one in heads:
        writer.append(one, BODY)
    writer.close()
    (path,) = files(tmp_path)
    content = bytearray(path.read_bytes())
    content[-len(BODY) - 200] ^= 1
    path.write_bytes(content)
    assert [found for found, _ in written(tmp_path)] == heads[:1]


def test_a_disk_without_space_refuses_before_it_is_written_to(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    writer = Writer(tmp_path, DiskReserve(tmp_path, 512))
    little = SimpleNamespace(f_frsize=1, f_blocks=1 << 40, f_bavail=9, f_files=0, f_favail=0)
    monkeypatch.setattr(os, "statvfs", lambda _: little)
    for refused in (writer.check, lambda: writer.append(head(), BODY)):
        with pytest.raises(Rejected, match="pipeline logs: the server's disk") as problem:
            refused()
        assert problem.value.code == "no_space"
    writer.close()
    assert not files(tmp_path)


def test_a_disk_that_gets_full_within_a_frame_loses_that_one_alone(tmp_path: Path) -> None:
    """A limit for files' sizes ends a write(2) in its middle, as a full disk does."""
    child = os.fork()
    if child == 0:
        status = 1
        try:
            resource.setrlimit(resource.RLIMIT_FSIZE, (8 * len(BODY), 8 * len(BODY)))
            writer = Writer(tmp_path, RESERVE)
            appended = 0
            try:
                while True:
                    writer.append(head(numbered(appended)), BODY)
                    appended += 1
            except Rejected as refused:
                status = 0 if refused.code == "no_space" and appended else 2
            writer.append(head(numbered(appended)), BODY)  # a new file has room
        finally:
            os._exit(status)
    assert os.waitpid(child, 0)[1] == 0
    found = [one.id for one, _ in written(tmp_path)]
    assert found == [numbered(n) for n in range(len(found))]
    assert len(files(tmp_path)) == 2


def test_a_broken_disk_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    writer = Writer(tmp_path, RESERVE)

    def breaks(*_: object) -> int:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(os, "writev", breaks)
    with pytest.raises(Unavailable, match="pipeline logs can't be written"):
        writer.append(head(), BODY)
    monkeypatch.undo()
    writer.append(head(), BODY)
    assert len(list(written(tmp_path))) == 1
    writer.close()


def test_always_syncs_before_it_returns(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: list[int] = []
    writer = Writer(tmp_path, RESERVE, sync_seconds=0)
    monkeypatch.setattr(
        os, "fdatasync", lambda descriptor: synced.append(os.fstat(descriptor).st_size)
    )
    writer.append(head(), BODY)
    (path,) = files(tmp_path)
    assert synced[0] == path.stat().st_size
    writer.close()


def test_a_closed_writer_refuses(tmp_path: Path) -> None:
    writer = Writer(tmp_path, RESERVE)
    writer.close()
    with pytest.raises(Unavailable, match="closed"):
        writer.append(head(), BODY)
