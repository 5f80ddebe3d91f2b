"""What an uploaded orchestration may be: the rules, and what is found in one that keeps them.

The rules look at declarations only (`check`); `inspect` also reads every byte once, so that a
damaged archive is refused at upload and not at its first run.
"""

import posixpath
import re
import stat
from collections.abc import Iterable
from pathlib import Path

import msgspec

from libs.archive.reader import Member, Reader, opened, refuse
from libs.domain.names import UNPRINTABLE

MIB = 1 << 20

_STORED, _DEFLATED = 0, 8
_LOCAL_HEADER = 30  # bytes before a member's name and contents
_NAME_BYTES, _PART_BYTES = 1024, 255  # NAME_MAX, and PATH_MAX with room for where it is unpacked
_DRIVE = re.compile(r"[A-Za-z]:/")
_METHODS = {9: "deflate64", 12: "bzip2", 14: "LZMA", 93: "zstd", 95: "xz", 98: "PPMd", 99: "AES"}


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """Bounds on one archive. `ratio` (unpacked to packed) counts from `ratio_from_bytes` on;
    `folders` are also those that only stand in the names of others."""

    entries: int = 10_000
    folders: int = 20_000
    unpacked_bytes: int = 2 << 30
    ratio: int = 200
    ratio_from_bytes: int = 10 * MIB


class Tree(msgspec.Struct, frozen=True):
    """Regular files by normalised path, in archive order; every folder, parents first."""

    files: dict[str, Member]
    folders: list[str]


class Archive(msgspec.Struct, frozen=True):
    """What the platform needs to know of an archive. The two names are members' paths in it."""

    entrypoint: str
    requirements: str | None
    entries: int
    unpacked_bytes: int


DEFAULT_LIMITS = Limits()


def inspect(path: Path, limits: Limits = DEFAULT_LIMITS) -> Archive:
    """Check the archive at `path`, every byte of it. Blocks for as long as unpacking takes."""
    with opened(path, limits.entries) as reader:
        _check_start(reader)
        files = check(reader, limits).files
        visible = sorted(filter(_visible, files), key=lambda name: (name.count("/"), name))
        found = Archive(
            _entrypoint(visible),
            _requirements(visible),
            len(reader.members),
            sum(member.size for member in files.values()),
        )
        for member in files.values():
            for _ in reader.chunks(member):
                pass  # sizes and CRC are checked as the chunks go by
    return found


def find_requirements(path: Path, limits: Limits = DEFAULT_LIMITS) -> str | None:
    """The requirements.txt of an archive that need not have an entrypoint. Rejected as by
    `inspect`, though contents are not read."""
    with opened(path, limits.entries) as reader:
        return _requirements(list(filter(_visible, check(reader, limits).files)))


def check(reader: Reader, limits: Limits) -> Tree:
    """Refuse what breaks a rule; else say what unpacking will make."""
    for member in reader.members:
        _check_member(member)
    _check_sizes(reader.members, limits)
    _check_overlap(reader)
    return _tree(reader.members, limits.folders)


def _check_member(member: Member) -> None:
    name = member.name
    if not member.utf8:
        refuse(f"the name {name!r} is not in UTF-8", "rename it, or use a tool that writes UTF-8")
    if member.encrypted:
        refuse(f"{name!r} is encrypted", "make the archive without a password")
    if member.compression not in (_STORED, _DEFLATED):
        method = f"method {member.compression}"
        if known := _METHODS.get(member.compression):
            method = f"{known} ({method})"
        refuse(f"{name!r} is compressed by {method}", "use deflate (zip -r)")
    if stat.S_IFMT(member.mode) not in (0, stat.S_IFDIR, stat.S_IFREG):
        refuse(f"{name!r} is a link or device", "pack regular files and folders")
    if name.endswith("/") and member.size:
        refuse(f"the folder {name!r} has contents of its own")
    _check_name(name)


def _check_name(name: str) -> None:
    parts = name.split("/")
    if UNPRINTABLE.search(name):
        refuse(f"the name {name!r} has control characters", "rename it")
    if "\\" in name:
        refuse(f"the name {name!r} has a backslash", "separate folders by / ")
    if name.startswith("/") or _DRIVE.match(name):
        refuse(f"{name!r} is an absolute path", "pack paths relative to the orchestration's folder")
    if ".." in parts:
        refuse(f"{name!r} leaves the archive's folder by ..", "pack only what lies inside it")
    if len(name.encode()) > _NAME_BYTES or any(len(p.encode()) > _PART_BYTES for p in parts):
        most = f"{_NAME_BYTES} bytes are allowed, {_PART_BYTES} for each part between /"
        refuse(f"the name {name[:60]!r}... is too long", most)
    if posixpath.normpath(name) == "." and not name.endswith("/"):
        refuse("one of its files has no name", "give it one")


def _check_start(reader: Reader) -> None:
    if min((member.offset for member in reader.members), default=reader.directory_start):
        refuse("the archive has bytes before its start", "upload the .zip file itself")


def _check_sizes(members: list[Member], limits: Limits) -> None:
    unpacked = sum(member.size for member in members)
    packed = sum(member.packed for member in members)
    if unpacked > limits.unpacked_bytes:
        refuse(
            f"it unpacks to {unpacked} bytes, over the limit of {limits.unpacked_bytes}",
            "keep large data in a store that the task reads",
        )
    if unpacked > limits.ratio_from_bytes and unpacked > limits.ratio * packed:
        refuse(
            f"it unpacks to more than {limits.ratio} times its size, as a zip bomb does",
            "keep such data compressed inside the archive",
        )


def _check_overlap(reader: Reader) -> None:
    """Contents shared between members let a small file unpack to any size."""
    spans = sorted(
        (m.offset, m.offset + _LOCAL_HEADER + m.name_bytes + m.packed) for m in reader.members
    )
    starts = [start for start, _ in spans[1:]] + [reader.directory_start]
    if any(end > start for (_, end), start in zip(spans, starts, strict=False)):
        refuse("members overlap, as in a zip bomb")


def _tree(members: list[Member], most_folders: int) -> Tree:
    files: dict[str, Member] = {}
    named: set[str] = set()
    for member in members:
        path = posixpath.normpath(member.name)
        if member.name.endswith("/"):
            named.add(path)
        elif path in files:
            refuse(f"two members are called {path!r}", "pack each file once")
        else:
            files[path] = member
    folders = _folders(named, files, most_folders)
    if clash := {".", *folders} & files.keys():
        refuse(f"{min(clash)!r} is both a file and a folder", "pack each name once")
    return Tree(files, sorted(folders))


def _folders(named: set[str], files: Iterable[str], most: int) -> set[str]:
    """With those above them: a name of a kilobyte may stand for five hundred."""
    found: set[str] = set()
    for path in (*(f"{folder}/" for folder in named - {"."}), *files):
        while (path := posixpath.dirname(path)) and path not in found:
            found.add(path)
        if len(found) > most:
            refuse(f"it has more than the {most} folders allowed", "pack fewer folders")
    return found


def _visible(path: str) -> bool:
    """Not what tools leave behind: __MACOSX and hidden folders, resource forks."""
    return not any(part.startswith(".") or part == "__MACOSX" for part in path.split("/"))


def _entrypoint(paths: list[str]) -> str:
    """Of visible paths, shallowest first and then by name: main.py, or the only script."""
    scripts = [path for path in paths if path.endswith(".py")]
    mains = [path for path in scripts if posixpath.basename(path) == "main.py"]
    if not mains and len(scripts) != 1:
        others = [path for path in paths if posixpath.basename(path).lower() == "main.py"]
        remedy = "add a main.py: it is what a task runs"
        if others:
            remedy = f"rename {others[0]!r}: capital letters count"
        refuse(f"no main.py, and {len(scripts)} Python files instead of one", remedy)
    return (mains or scripts)[0]


def _requirements(paths: list[str]) -> str | None:
    found = [path for path in paths if posixpath.basename(path) == "requirements.txt"]
    if len(found) > 1:
        refuse(f"more than one requirements.txt ({', '.join(found[:5])})", "merge them into one")
    return found[0] if found else None
