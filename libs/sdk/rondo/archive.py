"""What is uploaded: a ZIP file as it is, bytes, or a folder as a ZIP."""

import os
import stat
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from rondo.gitignore import Rule, ignored, rules
from rondo.multipart import SourceFile, source_file

IGNORE = ".rondoignore"  # counts after .gitignore, which counts as well

# Excluded unless a !line of those files takes it back: secrets, and what tools leave behind.
_DEFAULTS = rules(
    """
.env
.env.*
!.env.example
.envrc
.netrc
.git-credentials
.aws/
.ssh/
.git
.hg/
.svn/
.venv/
__pycache__/
*.py[co]
.ipynb_checkpoints/
.mypy_cache/
.pytest_cache/
.ruff_cache/
.tox/
.nox/
.idea/
.vscode/
node_modules/
.DS_Store
"""
)
# A folder that holds one of these is an environment, whatever its name.
_ENVIRONMENT_MARKS = ("pyvenv.cfg", "conda-meta")
_EPOCH = (1980, 1, 1, 0, 0, 0)  # the same files make the same bytes, and so the same sha

OnExcluded = Callable[[str], object]
Levels = list[tuple[str, list[Rule]]]


@contextmanager
def open_archive(
    source: str | os.PathLike[str] | bytes | None, include_all: bool = False
) -> Iterator[SourceFile]:
    """The ZIP for a file, a folder or bytes, for as long as the block lasts.

    Raises OSError when it can't be read.
    """
    if isinstance(source, bytes) or not Path(source or "").is_dir():
        yield source_file("" if source is None else source)
        return
    path = Path(source or "")
    with tempfile.TemporaryDirectory(prefix="rondo-") as folder:
        archive = Path(folder, f"{path.resolve().name}.zip")
        with archive.open("wb") as file:
            zip_folder(path, file, include_all)
        yield source_file(archive)


def excluded_files(folder: Path) -> list[str]:
    """What `open_archive` leaves out of a folder; folders have a / at their end."""
    names: list[str] = []
    for _ in walk_files(folder.resolve(), on_excluded=names.append):
        pass
    return names


def zip_folder(folder: Path, target: BinaryIO, include_all: bool = False) -> None:
    """Write a ZIP of all files that no rule excludes, and empty folders, sorted by name.

    Raises ValueError for a link that leads out of the folder, since nobody meant to upload what is
    there, and for a file name that is not in UTF-8.
    """
    top = folder.resolve()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in walk_files(top, include_all=include_all):
            _add(archive, path, path.relative_to(top).as_posix())


def _add(archive: zipfile.ZipFile, path: Path, name: str) -> None:
    status = path.stat()
    if stat.S_ISDIR(status.st_mode):
        entry = zipfile.ZipInfo(f"{name}/", _EPOCH)
        entry.external_attr = (stat.S_IFDIR | 0o755) << 16
        archive.writestr(entry, b"")
        return
    entry = zipfile.ZipInfo(name, _EPOCH)
    entry.compress_type = zipfile.ZIP_DEFLATED
    entry.external_attr = (stat.S_IFREG | (0o755 if status.st_mode & 0o100 else 0o644)) << 16
    entry.file_size = status.st_size  # decides about the fields for large files
    with path.open("rb") as source, archive.open(entry, "w") as member:
        left = status.st_size  # a log may grow meanwhile; the rest of it stays out
        while piece := source.read(min(left, 1 << 20)):
            member.write(piece)
            left -= len(piece)


def walk_files(
    top: Path,
    folder: str = "",
    above: Levels | None = None,
    include_all: bool = False,
    on_excluded: OnExcluded = lambda _: None,
) -> Iterator[Path]:
    """The files of `folder`, and its empty folders, sorted by name.

    `top` is resolved, `folder` is a path in it, `above` are the rules of the folders above.
    `on_excluded` gets the path of whatever is left out. Raises ValueError as `zip_folder` does.
    """
    here = top / folder
    levels = [] if include_all else _levels(here, folder, above)
    for path in sorted(here.iterdir()):
        relative = path.relative_to(top).as_posix()
        if not include_all and _is_excluded(path, relative, levels):
            on_excluded(f"{relative}/" if path.is_dir() else relative)
            continue
        _check_name(path, relative)
        if not Path(os.path.realpath(path)).is_relative_to(top):  # resolve() fails for a loop
            raise ValueError(f"{relative}: a link out of the folder; copy the file instead")
        if path.is_dir() and path.is_symlink():
            raise ValueError(f"{relative}: a link to a folder; copy the folder instead")
        if path.is_file() or (path.is_dir() and not any(path.iterdir())):
            yield path
        elif path.is_dir():
            yield from walk_files(top, relative, levels, include_all, on_excluded)
        else:
            on_excluded(relative)  # a socket, a pipe, a link to nothing or to itself


def _levels(here: Path, folder: str, above: Levels | None) -> Levels:
    levels = [("", _DEFAULTS)] if above is None else list(above)
    for file in (here / ".gitignore", here / IGNORE):
        if file.is_file():
            levels.append((folder, rules(file.read_text("utf-8-sig", "replace"))))
    return levels


def _is_excluded(path: Path, relative: str, levels: Levels) -> bool:
    is_folder = path.is_dir()
    if ignored(relative, is_folder, levels):
        return True
    return is_folder and any(os.path.exists(path / mark) for mark in _ENVIRONMENT_MARKS)


def _check_name(path: Path, relative: str) -> None:
    try:
        relative.encode()
    except UnicodeEncodeError:
        name = ascii(os.fsencode(path.name))[1:]
        raise ValueError(f"{name}: this file's name is not in UTF-8; rename it") from None
