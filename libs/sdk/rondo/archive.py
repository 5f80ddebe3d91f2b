"""What is uploaded: a ZIP file as it is, bytes, or a folder that is zipped first."""

import io
import os
import stat
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, NamedTuple

from rondo.gitignore import Rule, ignored, rules
from rondo.multipart import Opened

IGNORE = ".rondoignore"  # as .gitignore, which counts as well; it has the last word

# What is left out unless a !line of those files takes it back: secrets, and what tools leave.
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
# Folders with one of these are environments, whatever they are called.
_ENVIRONMENTS = ("pyvenv.cfg", "conda-meta")
_EPOCH = (1980, 1, 1, 0, 0, 0)  # the same files make the same bytes, and so the same sha

Told = Callable[[str], object]
Levels = list[tuple[str, list[Rule]]]


class Packed(NamedTuple):
    open: Opened
    size: int
    name: str


@contextmanager
def packed(
    source: str | os.PathLike[str] | bytes | None, include_all: bool = False
) -> Iterator[Packed]:
    """Open as often as need be while the block lasts. OSError for what can't be read."""
    if isinstance(source, bytes):
        yield Packed(lambda: io.BytesIO(source), len(source), "_")
        return
    path = Path(source or "")
    if not path.is_dir():
        yield Packed(lambda: path.open("rb"), path.stat().st_size, path.name)
        return
    with tempfile.TemporaryDirectory(prefix="rondo-") as folder:
        made = Path(folder, f"{path.resolve().name}.zip")
        with made.open("wb") as file:
            zip_folder(path, file, include_all)
        yield Packed(lambda: made.open("rb"), made.stat().st_size, made.name)


def left_out(folder: Path) -> list[str]:
    """What `packed` leaves out of it, folders with a / at their end."""
    found: list[str] = []
    for _ in files(folder.resolve(), told=found.append):
        pass
    return found


def zip_folder(folder: Path, target: BinaryIO, include_all: bool = False) -> None:
    """All files that no rule leaves out, and empty folders, in the order of their names.

    ValueError for a link that leads out of the folder: what is there is not meant to be uploaded;
    and for a name that no archive can hold.
    """
    top = folder.resolve()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in files(top, include_all=include_all):
            _add(archive, path, path.relative_to(top).as_posix())


def _add(archive: zipfile.ZipFile, path: Path, name: str) -> None:
    found = path.stat()
    if stat.S_ISDIR(found.st_mode):
        entry = zipfile.ZipInfo(f"{name}/", _EPOCH)
        entry.external_attr = (stat.S_IFDIR | 0o755) << 16
        archive.writestr(entry, b"")
        return
    entry = zipfile.ZipInfo(name, _EPOCH)
    entry.compress_type = zipfile.ZIP_DEFLATED
    entry.external_attr = (stat.S_IFREG | (0o755 if found.st_mode & 0o100 else 0o644)) << 16
    entry.file_size = found.st_size  # says whether it needs fields for large files
    with path.open("rb") as source, archive.open(entry, "w") as member:
        left = found.st_size  # and no more of a log that is written to meanwhile
        while piece := source.read(min(left, 1 << 20)):
            member.write(piece)
            left -= len(piece)


def files(
    top: Path,
    folder: str = "",
    above: Levels | None = None,
    include_all: bool = False,
    told: Told = lambda _: None,
) -> Iterator[Path]:
    """`top` is resolved; `folder` a path in it, with the rules that come from above. `told` hears
    what is left out."""
    here = top / folder
    levels = [] if include_all else _levels(here, folder, above)
    for path in sorted(here.iterdir()):
        relative = path.relative_to(top).as_posix()
        if not include_all and _is_left_out(path, relative, levels):
            told(f"{relative}/" if path.is_dir() else relative)
            continue
        _check_name(path, relative)
        if not Path(os.path.realpath(path)).is_relative_to(top):  # resolve() fails for a loop
            raise ValueError(f"{relative}: a link out of the folder; copy the file instead")
        if path.is_dir() and path.is_symlink():
            raise ValueError(f"{relative}: a link to a folder; copy the folder instead")
        if path.is_file() or (path.is_dir() and not any(path.iterdir())):
            yield path
        elif path.is_dir():
            yield from files(top, relative, levels, include_all, told)
        else:
            told(relative)  # a socket, a pipe, a link to nothing or to itself


def _levels(here: Path, folder: str, above: Levels | None) -> Levels:
    levels = [("", _DEFAULTS)] if above is None else list(above)
    for listed in (here / ".gitignore", here / IGNORE):
        if listed.is_file():
            levels.append((folder, rules(listed.read_text("utf-8-sig", "replace"))))
    return levels


def _is_left_out(path: Path, relative: str, levels: Levels) -> bool:
    is_folder = path.is_dir()
    if ignored(relative, is_folder, levels):
        return True
    return is_folder and any(os.path.exists(path / mark) for mark in _ENVIRONMENTS)


def _check_name(path: Path, relative: str) -> None:
    try:
        relative.encode()
    except UnicodeEncodeError:
        shown = ascii(os.fsencode(path.name))[1:]
        raise ValueError(f"{shown}: this file's name is not in UTF-8; rename it") from None
