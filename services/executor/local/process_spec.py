"""From what a run is and what this machine allows to exactly what its process becomes. No I/O but
looking at links.
"""

import os
from pathlib import Path
from typing import NamedTuple

import msgspec

from services.executor.backend import Limits
from services.executor.local.child import mounts, zygote_privileges
from services.executor.local.home import RunFolder
from services.executor.local.protocol import (
    Capabilities,
    Launch,
    MountPlan,
    Prepare,
    ZygotePrivileges,
)
from services.executor.resolved_spec import TASK_ID, ResolvedSpec

_OUR_TREE = Path(__file__).parents[3]
_MSGSPEC = Path(msgspec.__file__).parent
_MAX_UIDS = 10_000  # as many slots may have a uid of their own
_COMMAND_BYTES = 400  # bytes into which a run can write its command
_THREADS = "_NUM_THREADS"
_EARLY = ("PYTHON", "LD_", "LC_", "LANG", "MALLOC_", "GLIBC_")
# A second thread would not survive the fork. Runs don't inherit the settings, only their effect.
_ONE_THREAD = {
    **{f"{name}{_THREADS}": "1" for name in ("OMP", "OPENBLAS", "MKL")},
    "JE_ARROW_MALLOC_CONF": "background_thread:false",  # of the allocator in pyarrow
}


def zygote(
    spec: ResolvedSpec, folder: RunFolder, machine: Capabilities, first_uid: int
) -> tuple[Prepare, Launch]:
    """What makes a zygote; its runs' folders will lie below its `temporary`."""
    home, temporary = str(folder.home), str(folder.temporary)
    readable = [*interpreter_trees(spec.python), *_ours()]
    plan, privileges = None, None
    if not machine.no_namespaces:
        shared = Limits().disk_bytes
        plan = MountPlan(str(folder.root), home, temporary, readable, shared)
        privileges = ZygotePrivileges(first_uid, 0 if machine.no_uids else _MAX_UIDS)
        home, temporary = mounts.HOME, mounts.TEMPORARY
    program = [str(_OUR_TREE / "services/executor/local/zygote/main.py"), str(_MSGSPEC)]
    prepare = Prepare(
        name=folder.path.name,
        limits=spec.limits,
        readable=_visible(readable),
        writable=[home, temporary, *mounts.devices(machine.private_devices)],
        listable=mounts.listed_trees(),
        mounts=plan,
        group=_group(folder.path.name, machine),
        privileges=privileges,
    )
    launch = Launch(
        argv=[
            str(spec.python),
            "-u",
            *program,
            "1" if privileges else "0",
            spec.entrypoint,
            "-" * _COMMAND_BYTES,
        ],
        environment=spec.process_environment(home, temporary) | _ONE_THREAD,
        directory=home,
        uid=None if machine.no_uids else zygote_privileges.zygote_uid(first_uid),
        zygote=True,
    )
    return prepare, launch


def exec_reason(spec: ResolvedSpec) -> str:
    """Why this run must be a new interpreter, from what it asks for; empty if it need not."""
    if spec.mode == "exec":
        return "its mode is exec"
    early = [name for name in spec.variables if name.startswith(_EARLY) or name.endswith(_THREADS)]
    return f"{early[0]} takes effect only when an interpreter starts" if early else ""


def own_variables(spec: ResolvedSpec) -> frozenset[str]:
    """The variables that it has otherwise than the zygote that it may be forked from."""
    return frozenset(spec.variables) | {TASK_ID}


class VisiblePaths(NamedTuple):
    """What of the machine runs of an interpreter can open. To find it takes a while."""

    trees: list[str]  # its own
    readable: list[str]  # with the system's
    devices: list[str]


def visible_paths(python: Path, machine: Capabilities) -> VisiblePaths:
    """As things are now."""
    trees = interpreter_trees(python)
    return VisiblePaths(trees, _visible(trees), mounts.devices(machine.private_devices))


def prepare(
    name: str,
    paths: VisiblePaths,
    limits: Limits,
    folder: RunFolder,
    machine: Capabilities,
    forked: bool,
) -> Prepare:
    """What to tell the launcher or zygote, with the run's folder as that sees it.

    `name` is unique; a control group, which a zygote may not make, has its name.
    """
    home, temporary = _home(folder, machine)
    plan = _mount_plan(paths.trees, folder, limits, nested=forked)
    return Prepare(
        name=name,
        limits=limits,
        readable=paths.readable,
        writable=[home, temporary, *paths.devices],
        listable=mounts.listed_trees(),
        mounts=None if machine.no_namespaces else plan,
        group="" if forked else _group(name, machine),
    )


def launch(spec: ResolvedSpec, folder: RunFolder, machine: Capabilities, uid: int | None) -> Launch:
    """What a prepared process becomes. Nothing of our own environment gets into it."""
    home, temporary = _home(folder, machine)
    script = f"{home}/{spec.entrypoint}"
    return Launch(
        argv=[str(spec.python), "-u", script],
        environment=spec.process_environment(home, temporary),
        # Where the script lies, not the top: who zips a folder `project` with main.py and data/
        # in it has always run it inside that folder, and reads ./data/table.csv.
        directory=os.path.dirname(script),
        uid=uid,
    )


def _group(name: str, machine: Capabilities) -> str:
    """The folder of its control group; empty where there are none."""
    return f"{machine.cgroup_parent}/rondo-{name}" if machine.cgroup_parent else ""


def _home(folder: RunFolder, machine: Capabilities) -> tuple[str, str]:
    """Home and temporary folder by the names that the run has for them."""
    if machine.no_namespaces:
        return str(folder.home), str(folder.temporary)
    return mounts.HOME, mounts.TEMPORARY


def interpreter_trees(python: Path) -> list[str]:
    """The folders that bin/python of an environment needs, by every name that it may use for them.

    A virtual environment is itself, the installation that pyvenv.cfg calls its home, and what any
    of the links between them point to.
    """
    trees = {python.parent.parent, python.resolve().parent.parent}
    settings = python.parent.parent / "pyvenv.cfg"
    for line in settings.read_text().splitlines() if settings.is_file() else ():
        name, _, value = line.partition("=")
        if name.strip() == "home":
            base = Path(value.strip()).parent
            trees |= {base, base.resolve()}
    return sorted(str(each) for each in trees if each != Path("/"))


def _visible(trees: list[str]) -> list[str]:
    return [*mounts.system_trees(), *mounts.kernel_trees(), *trees]


def _ours() -> list[str]:
    """What a zygote reads of our own program: the code, no data."""
    return [str(_OUR_TREE / "libs"), str(_OUR_TREE / "services"), str(_MSGSPEC)]


def _mount_plan(readable: list[str], folder: RunFolder, limits: Limits, nested: bool) -> MountPlan:
    hidden = any(tree.startswith((mounts.HOME + "/", mounts.TEMPORARY + "/")) for tree in readable)
    return MountPlan(
        root=str(folder.root),
        home=str(folder.home),
        temporary=str(folder.temporary),
        readable=readable,
        shared_bytes=limits.disk_bytes,
        nested=nested and not hidden,  # what lies below those would be covered with them
    )
