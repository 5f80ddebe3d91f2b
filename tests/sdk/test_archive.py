"""Folders become archives; git itself says what .gitignore files leave out."""

import io
import subprocess
import zipfile
from pathlib import Path

import pytest
from rondo.archive import files, zip_folder

_IGNORE = r"""
# a comment
*.log
!keep.log
/only-top.txt
build/
docs/*.txt
**/deep/secret
logs/**
a?c
[a-c]1
[!x]2
\#hash
trailing
data/**/cache
""".replace("trailing", "trailing   ")  # whose spaces do not count
_PATHS = [
    "main.py", "x.log", "keep.log", "sub/x.log", "sub/keep.log", "only-top.txt",
    "sub/only-top.txt", "build/a", "sub/build/a", "build.py", "docs/a.txt", "docs/b/a.txt",
    "docs/a.md", "deep/secret", "x/y/deep/secret", "logs/a", "logs/b/c", "sub/logs/a", "abc",
    "abbc", "a1", "d1", "x2", "y2", "#hash", "trailing", "data/cache", "data/a/b/cache",
    "nested/kept.log", "nested/gone.txt", "nested/sub/gone.txt", "name with space", "grün.py",
]  # fmt: skip


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    top = tmp_path.resolve() / "job"
    for name in _PATHS:
        path = top / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    (top / ".gitignore").write_text(_IGNORE)
    (top / "nested" / ".gitignore").write_text("!kept.log\ngone.txt\n")
    return top


def test_what_is_left_out_is_what_git_leaves_out(folder: Path) -> None:
    git = ["git", "-C", str(folder), "-c", "core.quotepath=off"]
    subprocess.run([*git, "init", "-q"], check=True)
    listed = subprocess.check_output(
        [*git, "ls-files", "--others", "--exclude-standard"], text=True
    )
    assert {path.relative_to(folder).as_posix() for path in files(folder)} == set(
        listed.splitlines()
    )


def test_the_same_files_make_the_same_bytes(folder: Path) -> None:
    first, second = io.BytesIO(), io.BytesIO()
    zip_folder(folder, first)
    for path in folder.rglob("*"):
        path.touch()
    zip_folder(folder, second)
    assert first.getvalue() == second.getvalue()
    with zipfile.ZipFile(first) as archive:
        assert archive.read("nested/kept.log") == b"nested/kept.log"
        assert archive.testzip() is None


def test_links_out_of_the_folder_are_refused(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("not meant for anybody")
    (folder / "link").symlink_to(tmp_path / "secret")
    with pytest.raises(ValueError, match="link: a link out of the folder"):
        zip_folder(folder, io.BytesIO())


def test_a_folder_that_links_to_itself_ends(folder: Path) -> None:
    (folder / "loop").symlink_to(folder)
    with pytest.raises(ValueError, match="loop: a link to a folder"):
        zip_folder(folder, io.BytesIO())
