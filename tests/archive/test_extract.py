"""Unpacking: what is on the disk afterwards, and that nothing ever is outside the target."""

import os
import zipfile
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st

from libs.archive.extract import extract
from libs.domain.errors import Rejected, Unavailable
from tests.archive import zips


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    path = tmp_path / "x.zip"
    path.write_bytes(
        zips.packed_infos(
            [
                (zipfile.ZipInfo("empty/"), ""),
                (zips.with_mode("main.py", 0o100600), "print(1)"),
                (zips.with_mode("a/b/run.sh", 0o100700), "true"),
            ]
        )
    )
    return path


def test_unpacks_with_plain_modes(archive: Path, tmp_path: Path) -> None:
    before = os.umask(0o077)
    try:
        extract(archive, tmp_path / "out")
    finally:
        os.umask(before)
    modes = {
        str(path.relative_to(tmp_path)): oct(path.stat().st_mode)
        for path in (tmp_path / "out", *(tmp_path / "out").rglob("*"))
    }
    assert modes == {
        "out": "0o40755",
        "out/empty": "0o40755",
        "out/main.py": "0o100644",
        "out/a": "0o40755",
        "out/a/b": "0o40755",
        "out/a/b/run.sh": "0o100755",
    }
    assert (tmp_path / "out/main.py").read_text() == "print(1)"


def test_the_first_copy_stays(archive: Path, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "theirs").touch()
    with pytest.raises(FileExistsError):
        extract(archive, tmp_path / "out")
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["theirs"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out", "x.zip"]


def test_leaves_nothing_of_an_archive_that_breaks_midway(tmp_path: Path) -> None:
    path = tmp_path / "x.zip"
    content = zips.packed({"main.py": "print(1)", "x.txt": "a" * 99}, zipfile.ZIP_STORED)
    path.write_bytes(content.replace(b"a" * 99, b"b" * 99))
    with pytest.raises(Rejected, match="CRC"):
        extract(path, tmp_path / "out")
    assert [path.name for path in tmp_path.iterdir()] == ["x.zip"]


def test_a_broken_disk_is_not_the_users_fault(archive: Path, tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match="No such file"):
        extract(archive, tmp_path / "missing" / "out")


_PARTS = st.one_of(
    st.sampled_from(["..", ".", "", "a", "C:", "~", "a\\b", "\\..", "main.py"]),
    st.text(max_size=6),
)
_NAMES = st.lists(st.tuples(st.lists(_PARTS, min_size=1, max_size=4), st.booleans()), max_size=5)


@given(_NAMES)
def test_any_names_are_refused_or_stay_inside(names: list[tuple[list[str], bool]]) -> None:
    members = {
        "/".join(parts) + ("/" if folder else ""): "x" if not folder else ""
        for parts, folder in names
    }
    with TemporaryDirectory() as folder:
        root = Path(folder)
        try:
            (root / "x.zip").write_bytes(zips.packed({"main.py": "", **members}))
        except UnicodeEncodeError:
            return  # a lone surrogate: no archive can hold it
        try:
            extract(root / "x.zip", root / "out")
        except Rejected:
            assert [path.name for path in root.iterdir()] == ["x.zip"]
        else:
            assert sorted(path.name for path in root.iterdir()) == ["out", "x.zip"]
            assert not any(path.is_symlink() for path in (root / "out").rglob("*"))
            assert sum(path.is_file() for path in (root / "out").rglob("*")) == sum(
                not name.endswith("/") for name in {"main.py": "", **members}
            )
