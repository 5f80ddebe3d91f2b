"""Builds what a run sees: a small root of its own instead of the machine's.

Only what is bound into it exists there, so the platform's data, other runs and people's homes are
out of sight without a rule about each, and an interpreter under a 0700 home is within reach of any
uid, because the directories above it are new ones. Rules of Landlock hold on top of it, and alone
where mounts are not allowed.
"""

import os
from collections.abc import Iterator
from glob import glob
from pathlib import Path

from libs.linux import syscalls
from services.executor.messages import View

HOME = "/home/jovyan"
TEMPORARY = "/tmp"  # noqa: S108 - a private one

_SYSTEM = ["usr", "bin", "sbin", "lib", "lib32", "lib64", "libx32", "etc", "opt", "nix"]
_DEVICES = ["null", "zero", "full", "random", "urandom", "tty", "ptmx", "pts", "shm"]
_ACCELERATORS = ["nvidia*", "dri", "kfd"]
_MS_MOVE = 8192
_KEPT = os.ST_NOSUID | os.ST_NODEV | os.ST_NOEXEC  # a user namespace may not lift these


def system_trees() -> list[str]:
    """What every program may read: the system, and where its name resolution is set up."""
    resolver = os.path.realpath("/etc/resolv.conf")  # often a link into /run
    trees = [f"/{name}" for name in _SYSTEM]
    return [each for each in [*trees, resolver] if os.path.lexists(each)]


def kernel_trees() -> list[str]:
    """What programs read of the kernel: numbers of processors, their own maps, device names."""
    return ["/proc", "/sys", "/dev"]


def devices() -> list[str]:
    """What every program may write to: the harmless devices, shared memory, accelerators."""
    found = (path for name in _ACCELERATORS for path in glob(f"/dev/{name}"))
    return [*(f"/dev/{name}" for name in _DEVICES), *found]


def enter(view: View) -> None:
    """Leave the machine's file system for the view. Needs the right to mount; can't be undone."""
    os.umask(0o022)  # everybody may pass through the folders that we make
    syscalls.unshare(syscalls.CLONE_NEWNS)
    if view.nested:
        _nest(view)
    else:
        _build(view)


def conceal(paths: list[str]) -> None:
    """From us and our children: an empty directory covers each. Needs the right to mount."""
    syscalls.unshare(syscalls.CLONE_NEWNS)
    for path in paths:
        syscalls.mount("tmpfs", path, "tmpfs", syscalls.MS_RDONLY | syscalls.MS_NODEV, "mode=755")


def _nest(view: View) -> None:
    """Cover what is private to the view that we are in; a tenth of the calls of a new one."""
    both = syscalls.MS_BIND | syscalls.MS_REC
    syscalls.mount(view.home, HOME, flags=both)  # first, for it lies below the other
    syscalls.mount(view.temporary, TEMPORARY, flags=both)
    own = syscalls.MS_NOSUID | syscalls.MS_NODEV
    syscalls.mount("tmpfs", "/dev/shm", "tmpfs", own, "mode=1777")  # noqa: S108 - a private one
    syscalls.mount("proc", "/proc", "proc", own)


def _build(view: View) -> None:
    syscalls.mount("none", "/", flags=syscalls.MS_REC | syscalls.MS_PRIVATE)
    _tmpfs(view.root, "mode=755")
    # Before the trees: an environment may itself lie below one of these.
    _bind(view.home, view.root + HOME)
    _bind(view.temporary, view.root + TEMPORARY)
    for path in _without_nested([*system_trees(), *view.readable]):
        _show(view.root, path)
    _bind("/dev", view.root + "/dev")
    _tmpfs(view.root + "/dev/shm", "mode=1777")  # noqa: S108 - a private one
    _bind("/sys", view.root + "/sys")
    _proc(view.root + "/proc")
    _read_only(view.root)
    # Not pivot_root, which would leave the old root to be found and unmounted: this covers it.
    os.chdir(view.root)
    syscalls.mount(view.root, "/", flags=_MS_MOVE)
    os.chroot(".")
    os.chdir("/")


def _without_nested(paths: list[str]) -> Iterator[str]:
    """The paths, but those that come with another anyway."""
    shown: list[str] = []
    for path in sorted(set(paths)):
        if not any(Path(path).is_relative_to(each) for each in shown if not os.path.islink(each)):
            shown.append(path)
            yield path


def _show(root: str, path: str) -> None:
    if os.path.islink(path):  # /bin -> usr/bin
        os.makedirs(os.path.dirname(root + path), exist_ok=True)
        os.symlink(os.readlink(path), root + path)
    else:
        _bind(path, root + path)
        _read_only(root + path)


def _bind(source: str, target: str) -> None:
    if os.path.isdir(source):
        os.makedirs(target, exist_ok=True)
    else:
        os.makedirs(os.path.dirname(target), exist_ok=True)
        os.close(os.open(target, os.O_CREAT | os.O_CLOEXEC))
    syscalls.mount(source, target, flags=syscalls.MS_BIND | syscalls.MS_REC)


def _read_only(target: str) -> None:
    kept = os.statvfs(target).f_flag & _KEPT
    flags = syscalls.MS_REMOUNT | syscalls.MS_BIND | syscalls.MS_RDONLY | kept
    syscalls.mount("none", target, flags=flags)


def _tmpfs(target: str, options: str) -> None:
    os.makedirs(target, exist_ok=True)
    syscalls.mount("tmpfs", target, "tmpfs", syscalls.MS_NOSUID | syscalls.MS_NODEV, options)


def _proc(target: str) -> None:
    """The processes of our own pid namespace, no others."""
    os.makedirs(target, exist_ok=True)
    syscalls.mount("proc", target, "proc", syscalls.MS_NOSUID | syscalls.MS_NODEV)
