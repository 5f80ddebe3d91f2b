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
from services.executor.local.child import accounts
from services.executor.local.child.accounts import HOME as HOME
from services.executor.local.protocol import MountPlan

TEMPORARY = "/tmp"  # noqa: S108 - a private one

_SYSTEM = ["usr", "bin", "sbin", "lib", "lib32", "lib64", "libx32", "etc", "opt", "nix"]
_DEVICES = ["null", "zero", "full", "random", "urandom", "tty"]
_PRIVATE = ["ptmx", "pts", "shm"]  # or of a uid's own
_ACCELERATORS = ["nvidia*", "dri", "kfd"]
_SHARED = "/dev/shm"  # noqa: S108 - a private one
_TERMINALS = "/dev/pts"
_PAGE = 4096
_NO_PROGRAMS = 8  # MS_NOEXEC
_INODES = 1 << 16  # each empty file takes a kilobyte of the kernel's
_MS_MOVE = 8192
_KEPT = os.ST_NOSUID | os.ST_NODEV | os.ST_NOEXEC  # a user namespace may not lift these


def system_trees() -> list[str]:
    """What every program may read: the system, and where its name resolution is set up."""
    resolver = os.path.realpath("/etc/resolv.conf")  # often a link into /run
    trees = [f"/{name}" for name in _SYSTEM]
    return [each for each in [*trees, resolver] if os.path.lexists(each)]


def kernel_trees() -> list[str]:
    """What programs read of the kernel: numbers of processors, their own maps."""
    return ["/proc", "/sys"]


def listed_trees() -> list[str]:
    """Where programs look for what there is."""
    return ["/dev"]


def devices(private: bool) -> list[str]:
    """What every program may write to: the harmless devices and accelerators.

    Terminals and shared memory too, if they are `private` or guarded by the run's own uid: else
    they would be those of the person who has started us.
    """
    found = (path for name in _ACCELERATORS for path in glob(f"/dev/{name}"))
    names = _DEVICES + (_PRIVATE if private else [])
    return [*(f"/dev/{name}" for name in names), *found]


def enter(plan: MountPlan) -> list[int]:
    """Leave the machine's file system and System V's memory for those of the plan.

    Needs the right to mount; can't be undone. Returns what `accounts.write` is to fill.
    """
    os.umask(0o022)  # everybody may pass through the folders that we make
    syscalls.unshare(syscalls.CLONE_NEWNS | syscalls.CLONE_NEWIPC)
    return _nest(plan) if plan.nested else _build(plan)


def conceal(paths: list[str]) -> None:
    """From us and our children: an empty directory covers each. Needs the right to mount."""
    syscalls.unshare(syscalls.CLONE_NEWNS)
    for path in paths:
        syscalls.mount("tmpfs", path, "tmpfs", syscalls.MS_RDONLY | syscalls.MS_NODEV, "mode=755")


def _nest(plan: MountPlan) -> list[int]:
    """Cover what is private to the view that we are in; a tenth of the calls of a new one."""
    both = syscalls.MS_BIND | syscalls.MS_REC
    syscalls.mount(plan.home, HOME, flags=both)  # first, for it lies below the other
    syscalls.mount(plan.temporary, TEMPORARY, flags=both)
    _private(plan, "")
    _proc("/proc")
    return accounts.place("/etc", _SHARED, to_be_found=False)


def _build(plan: MountPlan) -> list[int]:
    syscalls.mount("none", "/", flags=syscalls.MS_REC | syscalls.MS_PRIVATE)
    _tmpfs(plan.root, "mode=755")
    # Before the trees: an environment may itself lie below one of these.
    _bind(plan.home, plan.root + HOME)
    _bind(plan.temporary, plan.root + TEMPORARY)
    for path in _without_nested([*system_trees(), *plan.readable]):
        _show(plan.root, path)
    _bind("/dev", plan.root + "/dev")
    files = _accounts(plan.root)
    _private(plan, plan.root)
    _bind("/sys", plan.root + "/sys")
    _proc(plan.root + "/proc")
    _read_only(plan.root)
    # Not pivot_root, which would leave the old root to be found and unmounted: this covers it.
    os.chdir(plan.root)
    syscalls.mount(plan.root, "/", flags=_MS_MOVE)
    os.chroot(".")
    os.chdir("/")
    return files


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


def _private(plan: MountPlan, root: str) -> None:
    """Shared memory, of no more than its size, and terminals."""
    size = max(plan.shared_bytes, _PAGE)  # 0 would be boundless
    _tmpfs(root + _SHARED, f"mode=1777,size={size},nr_inodes={_INODES}")
    if os.path.isdir(root + _TERMINALS):
        options = "newinstance,ptmxmode=0666,mode=620"
        kept = syscalls.MS_NOSUID | _NO_PROGRAMS
        syscalls.mount("devpts", root + _TERMINALS, "devpts", kept, options)


def _accounts(root: str) -> list[int]:
    """On a file system that nobody finds. Not by taking files away: nothing could cover them then,
    as views that are nested in this one do."""
    source = root + _SHARED
    _tmpfs(source, f"mode=755,size={_INODES}")
    accounts.hide(root + "/etc", source)
    files = accounts.place(root + "/etc", source)
    syscalls.detach(source)
    return files


def _tmpfs(target: str, options: str) -> None:
    os.makedirs(target, exist_ok=True)
    syscalls.mount("tmpfs", target, "tmpfs", syscalls.MS_NOSUID | syscalls.MS_NODEV, options)


def _proc(target: str) -> None:
    """The processes of our own pid namespace, no others."""
    os.makedirs(target, exist_ok=True)
    syscalls.mount("proc", target, "proc", syscalls.MS_NOSUID | syscalls.MS_NODEV)
