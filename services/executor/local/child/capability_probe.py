"""Finds out by trying what this machine lets us do to keep runs apart."""

import os
import shutil
import signal
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from libs.linux import capability, cgroup, landlock, namespace, seccomp_notify, syscalls
from services.executor.local.child import mounts, process_setup, zygote_privileges
from services.executor.local.child.probe import refusal
from services.executor.local.protocol import Capabilities, MountPlan, ZygotePrivileges

_LITTLE = 1 << 16  # bytes


def detect(runs: Path, uid: int, readable: list[str], want_namespaces: bool) -> Capabilities:
    """Try everything once, in processes that end with the trial. Leaves nothing behind.

    `readable` holds the trees of the interpreter, `uid` is the first that runs would get.
    """
    folder = Path(tempfile.mkdtemp(prefix="trial-", dir=runs))
    try:
        scene = _scene(folder, readable)
        namespaces = "they are switched off"
        if want_namespaces:
            namespaces = refusal(lambda: _try_namespaces(scene))
        uids = refusal(lambda: _try_uid(uid, folder, None if namespaces else scene))
        group = _group(folder.name, bool(namespaces))
        zygotes = refusal(lambda: _try_zygote(scene, uid, bool(namespaces), bool(uids)))
        ports = refusal(lambda: _try_port_broker(None if uids else uid))
        return Capabilities(
            namespaces, uids, landlock.version(), group, zygotes, no_port_broker=ports
        )
    finally:
        shutil.rmtree(folder)


def _group(name: str, to_kill: bool) -> str:
    """Where to make control groups, if they bound memory, or are wanted to kill by.

    Joining one costs a run about 10 ms, for the kernel waits until no other process is forking.
    """
    parent = cgroup.own() or Path()
    refused = refusal(lambda: _try_group(parent / f"rondo-{name}", to_kill))
    return "" if refused else str(parent)


def _scene(folder: Path, readable: list[str]) -> MountPlan:
    for name in ("root", "home", "temporary"):
        (folder / name).mkdir()
    return MountPlan(f"{folder}/root", f"{folder}/home", f"{folder}/temporary", readable, _LITTLE)


def _within(attempt: Callable[[], None], fork: Callable[[], int]) -> None:
    if refused := refusal(attempt, fork):
        raise OSError(refused)


def _try_namespaces(scene: MountPlan) -> None:
    """The order of things as in the launcher, a shim and a run."""
    if os.geteuid() != 0:
        namespace.become_capable()
    syscalls.unshare(namespace.CLONE_NEWPID)
    shim = namespace.fork_in_pid_namespace
    _within(lambda: _within(lambda: _look_around(scene), shim), os.fork)


def _try_zygote(scene: MountPlan, uid: int, without_namespaces: bool, without_uids: bool) -> None:
    """The order of things as in a zygote and a run of it."""
    if without_namespaces:
        if without_uids:
            return
        raise PermissionError("the right to change the uid can't be had without all of root's")
    if os.geteuid() != 0:
        namespace.become_capable()
    syscalls.unshare(namespace.CLONE_NEWPID)
    _within(lambda: _be_zygote(scene, uid, without_uids), os.fork)


def _be_zygote(scene: MountPlan, uid: int, without_uids: bool) -> None:
    own = None if without_uids else zygote_privileges.zygote_uid(uid)
    if own is not None:
        os.chown(scene.temporary, own, own)
    mounts.enter(scene)
    zygote_privileges.keep(ZygotePrivileges(uid, 1 if own else 0), own)
    home, temporary = f"{mounts.TEMPORARY}/home", f"{mounts.TEMPORARY}/temporary"
    inner = MountPlan("", home, temporary, [], _LITTLE, nested=True)
    for name in (inner.home, inner.temporary):
        os.mkdir(name)
    # Not for our interpreter, which these folders may cover: such runs get a whole view.
    shim = namespace.fork_in_pid_namespace
    _within(lambda: _within(lambda: _look_around(inner, mounts.HOME), shim), os.fork)


def _look_around(scene: MountPlan, path: str = sys.executable) -> None:
    mounts.enter(scene)
    os.stat(path)


def _try_uid(uid: int, folder: Path, scene: MountPlan | None) -> None:
    if os.geteuid() != 0:
        raise PermissionError("only root can give them")
    os.chown(folder, uid, uid)
    if scene:
        mounts.enter(scene)
    process_setup.drop_to(uid)
    needed = [sys.executable] if scene else [sys.executable, str(folder)]
    for path in needed:
        if not os.access(path, os.X_OK):
            raise PermissionError(f"another uid can't reach {path}")


def _try_port_broker(uid: int | None) -> None:
    """To look into a run and have its sockets."""
    (told, tell), main = os.pipe(), os.getpid()
    if (run := os.fork()) == 0:
        syscalls.die_with_parent(signal.SIGKILL)
        if uid is not None:
            process_setup.drop_to(uid)
            syscalls.die_with_parent(signal.SIGKILL)
        capability.drop()
        os.write(tell, b"1" if os.getppid() == main else b"")
        signal.pause()
    os.read(told, 1)
    try:
        seccomp_notify.look_at(run)
    finally:
        os.kill(run, signal.SIGKILL)


def _try_group(path: Path, to_kill: bool) -> None:
    group = cgroup.Group(path)
    try:
        _within(group.join, os.fork)
        group.kill()
        if not (to_kill or group.bounds_memory()):
            raise OSError("it has no memory controller")
    finally:
        group.remove()
