"""Folders become archives; git itself says what .gitignore files leave out."""

import io
import os
import socket
import stat
import subprocess
import zipfile
from pathlib import Path
from typing import IO, Any

import pytest
from rondo.archive import excluded_files, walk_files, zip_folder

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
[z-a]*
[]
[^]
[|&~]3
[\\]]4
trailing
data/**/cache
""".replace("trailing", "trailing   ")  # whose spaces do not count
_PATHS = [
    "main.py", "x.log", "keep.log", "sub/x.log", "sub/keep.log", "only-top.txt",
    "sub/only-top.txt", "build/a", "sub/build/a", "build.py", "docs/a.txt", "docs/b/a.txt",
    "docs/a.md", "deep/secret", "x/y/deep/secret", "logs/a", "logs/b/c", "sub/logs/a", "abc",
    "abbc", "a1", "d1", "x2", "y2", "&3", "a3", "]4",
    "#hash", "trailing", "data/cache", "data/a/b/cache",
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
    assert {path.relative_to(folder).as_posix() for path in walk_files(folder)} == set(
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


LEFT_OUT = {
    ".env", ".env.production", ".git/", ".venv/", "env38/", "conda/", "__pycache__/", "x.pyc",
    "sub/.ipynb_checkpoints/", "sub/.env", "sub/.DS_Store", "secret.txt", "socket",
}  # fmt: skip
TAKEN = {
    "main.py", "out/", "sub/", "sub/model.ckpt", ".env.example", "again.txt", ".gitignore",
    ".rondoignore",
}  # fmt: skip


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """As somebody has it at hand."""
    top = tmp_path.resolve() / "p"
    for name in (LEFT_OUT - {"socket"}) | TAKEN:
        path = top / name
        (path if name.endswith("/") else path.parent).mkdir(parents=True, exist_ok=True)
        if not name.endswith("/"):
            path.write_text("x")
    for mark in ("env38/pyvenv.cfg", ".git/config", ".venv/pyvenv.cfg", "__pycache__/a.pyc"):
        (top / mark).write_text("x")
    (top / "conda" / "conda-meta").mkdir()
    (top / ".gitignore").write_text("*.txt\n")
    (top / ".rondoignore").write_text("!again.txt\n")
    return top


def packed_names(folder: Path, include_all: bool = False) -> set[str]:
    made = io.BytesIO()
    zip_folder(folder, made, include_all)
    with zipfile.ZipFile(made) as archive:
        return set(archive.namelist())


def test_secrets_environments_and_leavings_stay_at_home(project: Path) -> None:
    where = os.open(project, os.O_RDONLY)
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(f"/proc/self/fd/{where}/socket")
        assert packed_names(project) == TAKEN - {"sub/"}
        assert set(excluded_files(project)) == LEFT_OUT
        everything = packed_names(project, include_all=True)
    os.close(where)
    assert {".env", "env38/pyvenv.cfg", "secret.txt", ".git/config"} <= everything
    assert "socket" not in everything


def test_what_was_taken_out_may_be_taken_back(project: Path) -> None:
    (project / ".rondoignore").write_text("!.env\n*.ckpt\n!__pycache__/\n")
    names = packed_names(project)
    assert {".env", "sub/.env"} <= names
    assert "sub/model.ckpt" not in names


def test_modes_and_old_times_are_no_hindrance(tmp_path: Path) -> None:
    script = tmp_path / "run.sh"
    script.write_text("#!/bin/sh\n")
    script.chmod(0o755)
    (tmp_path / "main.py").write_text("x")
    os.utime(tmp_path / "main.py", (0, 0))  # before 1980, which a ZIP can't say
    made = io.BytesIO()
    zip_folder(tmp_path, made)
    with zipfile.ZipFile(made) as archive:
        modes = {info.filename: info.external_attr >> 16 for info in archive.infolist()}
    assert modes == {"main.py": stat.S_IFREG | 0o644, "run.sh": stat.S_IFREG | 0o755}


def test_a_name_that_is_not_utf_8_is_named(tmp_path: Path) -> None:
    (tmp_path / "main.py").write_text("x")
    Path(os.fsdecode(os.fsencode(tmp_path) + b"/pr\xfcfung.csv")).write_text("x")
    with pytest.raises(ValueError, match=r"'pr\\xfcfung.csv': this file's name is not in UTF-8"):
        zip_folder(tmp_path, io.BytesIO())


def test_what_is_left_out_may_have_any_name(tmp_path: Path) -> None:
    with open(os.fsencode(tmp_path) + b"/scratch-\xff", "w") as file:
        file.write("x")
    (tmp_path / ".rondoignore").write_bytes(b"\xef\xbb\xbfscratch-*\n")  # as Notepad saves it
    assert packed_names(tmp_path) == {".rondoignore"}


def test_links_in_a_circle_are_links_to_nothing(tmp_path: Path) -> None:
    (tmp_path / "main.py").write_text("")
    (tmp_path / "one").symlink_to("other")
    (tmp_path / "other").symlink_to("one")
    assert packed_names(tmp_path) == {"main.py"}
    assert excluded_files(tmp_path) == ["one", "other"]


def test_a_file_that_grows_is_cut(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log = tmp_path / "app.log"
    log.write_text("begun")
    opened = Path.open

    def grown(path: Path, mode: str = "r") -> IO[Any]:
        with opened(log, "a") as file:
            file.write(", and more")
        return opened(path, mode)

    monkeypatch.setattr(Path, "open", grown)
    target = io.BytesIO()
    zip_folder(tmp_path, target)
    assert zipfile.ZipFile(target).read("app.log") == b"begun"
