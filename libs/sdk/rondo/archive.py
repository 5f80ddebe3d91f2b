"""What is uploaded: a ZIP file as it is, bytes, or a folder that is zipped first."""

import io
import os
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, NamedTuple

from rondo.gitignore import Rule, ignored, rules
from rondo.multipart import Opened

_NEVER = {".git", "__pycache__"}
_EPOCH = (1980, 1, 1, 0, 0, 0)  # the same files make the same bytes, and so the same sha


class Packed(NamedTuple):
    open: Opened
    size: int
    name: str


@contextmanager
def packed(source: str | os.PathLike[str] | bytes | None) -> Iterator[Packed]:
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
            zip_folder(path, file)
        yield Packed(lambda: made.open("rb"), made.stat().st_size, made.name)


def zip_folder(folder: Path, target: BinaryIO) -> None:
    """All files that no .gitignore leaves out, in the order of their names.

    ValueError for a link that leads out of the folder: what is there is not meant to be uploaded.
    """
    top = folder.resolve()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in files(top):
            entry = zipfile.ZipInfo(path.relative_to(top).as_posix(), _EPOCH)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, path.read_bytes())


def files(
    top: Path, folder: str = "", above: list[tuple[str, list[Rule]]] | None = None
) -> Iterator[Path]:
    """`top` is resolved; `folder` a path in it, with the rules that come from above."""
    here = top / folder
    listed = here / ".gitignore"
    levels = list(above or [])
    if listed.is_file():
        levels.append((folder, rules(listed.read_text("utf-8", "replace"))))
    for path in sorted(here.iterdir()):
        relative = path.relative_to(top).as_posix()
        if path.name in _NEVER or ignored(relative, path.is_dir(), levels):
            continue
        if not path.resolve().is_relative_to(top):
            raise ValueError(f"{relative}: a link out of the folder; copy the file instead")
        if path.is_dir() and path.is_symlink():
            raise ValueError(f"{relative}: a link to a folder; copy the folder instead")
        if path.is_dir():
            yield from files(top, relative, levels)
        elif path.is_file():
            yield path
