"""Lets another uid reach paths that lie under directories which it may not enter.

A root's interpreter or clone often lies under a home of mode 0700. No mode is changed for it: a
private mount namespace covers such a directory by an empty one that anyone may enter, and binds
only the wanted paths back at their own places. What else lies there is out of sight.

As a program it is a launcher, which makes way, changes the uid and becomes the command:
`python -m libs.linux.reach [--user UID --group GID [--in-name-only] --path P ...]
[--die-with-parent SIGNAL --parent PID] -- COMMAND ...`
"""

import argparse
import errno
import os
import signal
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from libs.linux import syscalls

NOBODY = 65534
_MAX_LINKS = 40  # as many as the kernel follows: path_resolution(7)


def unreachable(paths: Iterable[Path], uid: int = NOBODY, gid: int = NOBODY) -> list[Path]:
    """The directories on the way to `paths` that `uid` may not enter, outermost first.

    Judged by owner, group and mode; links are followed. Raises OSError for a path that isn't there.
    """
    directories = {each for path in paths for each in _way(path).directories}
    return sorted(each for each in directories if not _may_enter(each, uid, gid))


def make_reachable(paths: Iterable[Path], uid: int = NOBODY, gid: int = NOBODY) -> None:
    """Give the calling process a view in which `uid` can reach `paths`, writable as they were.

    Does nothing where nothing is in the way. Call it as root, with one thread, before the change
    of uid. Raises PermissionError, naming the directory and the remedy, where mounts are refused.
    """
    paths = list(paths)
    barriers = unreachable(paths, uid, gid)
    if not barriers:
        return
    try:
        syscalls.unshare(syscalls.CLONE_NEWNS)
        syscalls.mount("none", "/", flags=syscalls.MS_REC | syscalls.MS_PRIVATE)
        while barriers:
            _cover(_outermost(barriers), [_way(path) for path in paths])
            before, barriers = barriers, unreachable(paths, uid, gid)
            if barriers == before:  # a barrier that is itself among the paths
                raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
    except OSError as error:
        raise PermissionError(error.errno, _refusal(barriers[0], uid, error)) from error


def become(uid: int, gid: int) -> None:
    """Change to `uid` and `gid` for good, with no further groups."""
    os.setgroups([])
    os.setresgid(gid, gid, gid)
    os.setresuid(uid, uid, uid)


def appear_as(uid: int, gid: int) -> None:
    """See ourselves as `uid` and `gid`, and stay who we are to everybody else; no right is needed.

    For programs that insist on a name for their uid, where ours has none. Raises PermissionError,
    naming the remedy, where user namespaces are refused.
    """
    own_uid, own_gid = os.getuid(), os.getgid()
    try:
        syscalls.unshare(syscalls.CLONE_NEWUSER)
    except OSError as error:
        missing = f"uid {own_uid} has no name here, and a user namespace to lend it one is refused"
        remedy = "add the uid to /etc/passwd, or run as a user that is in it"
        raise PermissionError(error.errno, f"{missing} ({error.strerror}): {remedy}") from error
    Path("/proc/self/setgroups").write_text("deny")  # else an ordinary user may not map its group
    Path("/proc/self/uid_map").write_text(f"{uid} {own_uid} 1")
    Path("/proc/self/gid_map").write_text(f"{gid} {own_gid} 1")


@dataclass(frozen=True)
class _Way:
    """What the kernel passes when it resolves a path, and where it arrives."""

    directories: list[Path] = field(default_factory=lambda: [Path("/")])
    links: list[Path] = field(default_factory=list)
    end: Path = Path("/")


def _way(path: Path) -> _Way:
    way = _Way(end=path.resolve(strict=True))
    at, ahead = Path("/"), _steps(Path.cwd() / path)
    while ahead:
        name = ahead.pop()
        step = at.parent if name == ".." else at / name
        if not step.is_symlink():
            at = step
            way.directories.extend([at] if ahead else [])
            continue
        way.links.append(step)
        if len(way.links) > _MAX_LINKS:
            raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), str(path))
        at, ahead = Path("/"), ahead + _steps(step.parent / step.readlink())
    return way


def _steps(path: Path) -> list[str]:
    """The names in an absolute path, the first one last."""
    return list(reversed(path.parts[1:]))


def _may_enter(directory: Path, uid: int, gid: int) -> bool:
    status = directory.stat()
    shift = 6 if status.st_uid == uid else 3 if status.st_gid == gid else 0
    return uid == 0 or bool(status.st_mode >> shift & 1)


def _cover(barriers: list[Path], ways: list[_Way]) -> None:
    """Put an empty directory over each barrier; bind and link what the ways need back into it."""
    ends = _outermost(way.end for way in ways if _below(way.end, barriers))
    links = {link: link.readlink() for way in ways for link in way.links if _below(link, barriers)}
    handles = {end: os.open(end, os.O_PATH) for end in ends}  # still valid once it is covered
    umask = os.umask(0o022)
    for barrier in barriers:
        flags = syscalls.MS_NOSUID | syscalls.MS_NODEV
        syscalls.mount("tmpfs", barrier, "tmpfs", flags, "mode=755,size=64k")
    for end, handle in handles.items():
        _bind(handle, end)
        os.close(handle)
    for link, target in links.items():
        if not _below(link, ends):
            link.parent.mkdir(parents=True, exist_ok=True)
            link.symlink_to(target)
    os.umask(umask)


def _bind(handle: int, target: Path) -> None:
    source = Path(f"/proc/self/fd/{handle}")
    target.parent.mkdir(parents=True, exist_ok=True)
    if source.is_dir():
        target.mkdir(exist_ok=True)
    else:
        target.touch()
    syscalls.mount(source, target, flags=syscalls.MS_BIND | syscalls.MS_REC)


def _outermost(paths: Iterable[Path]) -> list[Path]:
    found: list[Path] = []
    for path in sorted(paths):
        if not _below(path, found):
            found.append(path)
    return found


def _below(path: Path, folders: list[Path]) -> bool:
    return any(path.is_relative_to(folder) for folder in folders)


def _refusal(barrier: Path, uid: int, error: OSError) -> str:
    return (
        f"uid {uid} may not enter {barrier}, and a private view of it is refused here"
        f" ({error.strerror}): choose a folder elsewhere, or run as an ordinary user"
    )


def _arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m libs.linux.reach")
    parser.add_argument("--user", type=int, help="uid to run as; needs root and --group")
    parser.add_argument("--group", type=int)
    parser.add_argument("--in-name-only", action="store_true", help="appear as them; needs no root")
    parser.add_argument("--path", type=Path, action="append", default=[], help="to be reachable")
    parser.add_argument("--die-with-parent", type=lambda name: signal.Signals[name])
    parser.add_argument("--parent", type=int, help="pid that --die-with-parent expects")
    parser.add_argument("command", nargs="+")
    return parser.parse_args(argv)


def main(argv: Sequence[str] | None = None) -> None:
    """Become the command; ends with status 1 and one line on stderr where that can't be."""
    options = _arguments(argv)
    try:
        if options.in_name_only:
            appear_as(options.user, options.group)
        elif options.user is not None:
            make_reachable(options.path, options.user, options.group)
            become(options.user, options.group)
        if options.die_with_parent:
            syscalls.die_with_parent(options.die_with_parent)
            if os.getppid() != options.parent:  # it ended before we could ask to be told
                sys.exit("the parent has ended")
        os.execvp(options.command[0], options.command)  # noqa: S606 - no shell is the point
    except OSError as error:
        sys.exit(f"{options.command[0]}: {error.strerror}: {error.filename or ''}".rstrip(": "))


if __name__ == "__main__":
    main()
