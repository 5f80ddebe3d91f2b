"""What an uploaded archive may be: a table of those that are refused, and of those that are not."""

import stat
import time
import tracemalloc
import zipfile
from pathlib import Path

import pytest

from libs.archive.inspect import Archive, Limits, inspect
from libs.domain.errors import Rejected
from tests.archive import zips

HELLO = {"main.py": "print('hello')"}
GOOD = zips.packed(HELLO)


def _with(name: str, data: bytes | str = "x") -> bytes:
    return zips.packed({**HELLO, name: data})


def _mode(mode: int, name: str = "odd") -> bytes:
    return zips.packed_infos([(zipfile.ZipInfo("main.py"), ""), (zips.with_mode(name, mode), "x")])


def _twice(first: str, second: str) -> bytes:
    return zips.packed_infos([(zipfile.ZipInfo(name), "x") for name in ("main.py", first, second)])


BAD = {
    "empty file": (b"", "not a ZIP archive"),
    "text": (b"print('hello')" * 1000, "not a ZIP archive"),
    "empty archive": (zips.packed({}), "no main.py"),
    "truncated": (GOOD[:-30], "not a ZIP archive, or cut short"),
    "end record cut": (GOOD[:-3], "cut short"),
    "start cut": (GOOD[20:], "lost or gained bytes"),
    "bytes before the start": (b"#!/bin/sh" + GOOD, "lost or gained bytes"),
    "bytes before the start that are counted": (
        zips.after(b"#!/bin/sh\n", HELLO),
        "before its start",
    ),
    "deflate64": (zips.compressed_by(GOOD, 9), "deflate64 (method 9)"),
    "zstd": (zips.compressed_by(GOOD, 93), "zstd (method 93)"),
    "lzma": (zips.packed(HELLO, zipfile.ZIP_LZMA), "LZMA (method 14)"),
    "drive by backslash": (zips.by_windows({**HELLO, "C:\\x": ""}), "absolute path"),
    "traversal by backslash": (
        zips.by_windows({**HELLO, "a\\..\\..\\x": ""}),
        "leaves the archive",
    ),
    "share": (zips.by_windows({**HELLO, "\\\\host\\x": ""}), "absolute path"),
    "one name, composed and not": (_twice("\u00fc.csv", "u\u0308.csv"), "two members are called"),
    "only another case": (zips.packed({"Main.py": "", "a.py": ""}), "rename 'Main.py': capital"),
    "a part of several": (zips.split(GOOD), "one of several parts"),
    "bytes after the end": (GOOD + b"x", "bytes after its end"),
    "directory beyond the file": (
        GOOD[:-10] + b"\xff" * 4 + GOOD[-6:],
        "lost or gained bytes",
    ),
    "damaged contents": (
        zips.packed(HELLO, zipfile.ZIP_STORED).replace(b"print('hello')", b"print('jello')"),
        "Bad CRC-32",
    ),
    "encrypted": (zips.flagged(GOOD, 0x1), "encrypted"),
    "strongly encrypted": (zips.flagged(GOOD, 0x40), "encrypted"),
    "unknown compression": (zips.compressed_by(GOOD, 99), "method 99"),
    "bzip2": (zips.packed(HELLO, zipfile.ZIP_BZIP2), "method 12"),
    "path traversal": (_with("../../etc/cron.d/x"), "leaves the archive's folder"),
    "traversal inside": (_with("a/../../x"), "leaves the archive's folder"),
    "absolute": (_with("/etc/passwd"), "absolute path"),
    "drive": (_with("C:/x"), "absolute path"),
    "backslashes": (_with("..\\..\\x"), "backslash"),
    "link": (_mode(stat.S_IFLNK | 0o777), "link or device"),
    "character device": (_mode(stat.S_IFCHR | 0o666), "link or device"),
    "pipe": (_mode(stat.S_IFIFO | 0o666), "link or device"),
    "folder's mode on a file": (_mode(stat.S_IFDIR | 0o755), "has contents of its own"),
    "duplicate": (_twice("data.csv", "data.csv"), "two members are called 'data.csv'"),
    "duplicate when normalised": (_twice("a/data.csv", "a/./data.csv"), "two members"),
    "file and folder": (_twice("a", "a/b"), "'a' is both a file and a folder"),
    "file and explicit folder": (
        zips.packed({**HELLO, "a": "", "a/": ""}),
        "'a' is both a file and a folder",
    ),
    "nameless": (_with("."), "has no name"),
    "nameless in a folder": (_with("./."), "has no name"),
    "control character": (_with("a\nb"), "control characters"),
    "NUL in a name": (GOOD.replace(b"main.py", b"ma\0n.py"), "control characters"),
    "name not UTF-8": (GOOD.replace(b"main.py", b"m\xe9in.py"), "not in UTF-8"),
    "name flagged UTF-8 that is not": (
        zips.flagged(GOOD, 0x800).replace(b"main.py", b"m\xe9in.py"),
        "damaged",
    ),
    "long name": (_with("x" * 256), "255 for each part"),
    "long path": (_with("x/" * 600 + "y"), "too long"),
    "overlap": (zips.overlapping(), "overlap"),
    "ratio bomb": (_with("zeros", bytes(20 << 20)), "zip bomb"),
    "claims more than the limit": (zips.claiming(GOOD, 3 << 30), "over the limit"),
    "claims less than it has": (zips.claiming(GOOD, 3), "Bad CRC-32"),
    "claims more than it has": (zips.claiming(GOOD, 300), "can't be read"),
    "no script": (zips.packed({"README.md": "x"}), "no main.py, and 0 Python files"),
    "two scripts": (zips.packed({"a.py": "", "b.py": ""}), "no main.py, and 2 Python files"),
    "only a Mac's leavings": (zips.packed({"__MACOSX/main.py": ""}), "no main.py"),
    "two requirements": (
        _twice("requirements.txt", "a/requirements.txt"),
        "more than one requirements.txt (requirements.txt, a/requirements.txt)",
    ),
}


@pytest.mark.parametrize("name", BAD)
def test_refuses(name: str, tmp_path: Path) -> None:
    content, words = BAD[name]
    path = tmp_path / "x.zip"
    path.write_bytes(content)
    with pytest.raises(Rejected) as refused:
        inspect(path)
    assert refused.value.code == "invalid"
    assert refused.value.message.startswith("file: ")
    assert words in refused.value.message
    assert "; " in refused.value.message  # and the remedy


ENTRYPOINTS = {
    "main.py": ["main.py", "a/main.py", "helper.py"],
    "b/main.py": ["a/a/main.py", "c/main.py", "b/main.py", "helper.py"],
    "project/main.py": ["project/", "project/main.py", "project/data/x.csv"],
    "train.py": ["train.py", "data/x.csv"],
    "src/train.py": ["src/train.py", "__MACOSX/src/._train.py", ".git/hook.py"],
    "z/main.py": [".hidden/main.py", "__MACOSX/main.py", "z/main.py"],
}


@pytest.mark.parametrize("entrypoint", ENTRYPOINTS)
def test_entrypoint(entrypoint: str, tmp_path: Path) -> None:
    path = tmp_path / "x.zip"
    path.write_bytes(zips.packed(dict.fromkeys(ENTRYPOINTS[entrypoint], "")))
    assert inspect(path).entrypoint == entrypoint


def test_says_what_is_in_it(tmp_path: Path) -> None:
    path = tmp_path / "x.zip"
    members = {"p/": "", "p/main.py": "12345", "./p/requirements.txt": "six", "p/é/ü.csv": "1"}
    path.write_bytes(zips.packed(members))
    assert inspect(path) == Archive("p/main.py", "p/requirements.txt", 4, 9)


def test_limits_count(tmp_path: Path) -> None:
    path = tmp_path / "x.zip"
    path.write_bytes(zips.packed({**HELLO, "a": "", "b": ""}))
    assert inspect(path, Limits(entries=3)).entries == 3
    with pytest.raises(Rejected, match="3 entries are more than the 2 allowed"):
        inspect(path, Limits(entries=2))


def test_folders_that_stand_in_names_only_are_counted(tmp_path: Path) -> None:
    """A kilobyte of a name may be five hundred folders for whoever unpacks it."""
    deep = {f"{'/'.join([str(at)] * 60)}/x": b"" for at in range(100)}
    path = tmp_path / "x.zip"
    path.write_bytes(zips.packed({**HELLO, **deep}))
    assert inspect(path, Limits(folders=6000)).entries == 101
    with pytest.raises(Rejected, match="more than the 5999 folders allowed"):
        inspect(path, Limits(folders=5999))


@pytest.mark.parametrize("claimed", [None, 1])
def test_refuses_200_000_entries_at_once(tmp_path: Path, claimed: int | None) -> None:
    path = tmp_path / "x.zip"
    zips.many_entries(path, 200_000)
    if claimed:
        path.write_bytes(zips.lying_about_entries(path.read_bytes(), claimed))
    tracemalloc.start()
    started = time.process_time()  # of ours alone, whatever else the machine has to do
    with pytest.raises(Rejected, match=r"entries|names"):
        inspect(path)
    seconds = time.process_time() - started
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert seconds < 0.5
    assert peak < 16 << 20


def test_a_directory_that_lies_within_the_bounds_is_counted(tmp_path: Path) -> None:
    path = tmp_path / "x.zip"
    zips.many_entries(path, 30_000)
    path.write_bytes(zips.lying_about_entries(path.read_bytes(), 5))
    with pytest.raises(Rejected, match="more than the 10000 entries"):
        inspect(path)
