"""Who has to stop when how much of the reserve is left."""

import os
from pathlib import Path
from types import SimpleNamespace

import pytest

from libs.domain.errors import Rejected
from libs.service.disk_reserve import DiskReserve

GIB = 1 << 30
MIB = 1 << 20


def reserve(
    monkeypatch: pytest.MonkeyPatch,
    free: int,
    total: int = 100 * GIB,
    files: tuple[int, int] = (9, 0),
) -> DiskReserve:
    """On a disk with `free` of `total` bytes, and of so many files so many left."""
    found = SimpleNamespace(
        f_frsize=4096,
        f_blocks=total // 4096,
        f_bavail=free // 4096,
        f_files=files[0],
        f_favail=files[1] or 10**6,
    )
    monkeypatch.setattr(os, "statvfs", lambda _: found)
    return DiskReserve(Path("/somewhere"), 512)


@pytest.mark.parametrize(
    ("free", "total", "short", "over"),
    [
        (600 * MIB, 100 * GIB, False, False),
        (500 * MIB, 100 * GIB, True, False),
        (65 * MIB, 100 * GIB, True, False),
        (63 * MIB, 100 * GIB, True, True),
        (0, 100 * GIB, True, True),
        (101 * MIB, GIB, True, False),  # of a small disk, a tenth
        (103 * MIB, GIB, False, False),
        (12 * MIB, GIB, True, True),
    ],
)
def test_the_reserve(
    monkeypatch: pytest.MonkeyPatch, free: int, total: int, short: bool, over: bool
) -> None:
    found = reserve(monkeypatch, free, total)
    assert (found.short(), found.over()) == (short, over)


def test_what_is_to_come_has_to_fit(monkeypatch: pytest.MonkeyPatch) -> None:
    found = reserve(monkeypatch, 600 * MIB)
    found.check("file", 80 * MIB)
    with pytest.raises(Rejected, match="file: the server's disk is nearly full") as refused:
        found.check("file", 100 * MIB)
    assert refused.value.code == "no_space"


def test_a_disk_without_space_for_files_is_full(monkeypatch: pytest.MonkeyPatch) -> None:
    assert reserve(monkeypatch, 50 * GIB, files=(1000, 50)).over()
    assert not reserve(monkeypatch, 50 * GIB, files=(0, 1)).short()  # it does not count them


def test_where_the_log_has_another_disk_there_is_no_reserve() -> None:
    nowhere = DiskReserve(None, 512)
    assert not nowhere.short(10**18)
    assert not nowhere.over()
    nowhere.check("file", 10**18)
