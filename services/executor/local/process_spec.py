"""From what a run is and what this machine allows to exactly what its process becomes. No I/O but
looking at links.
"""

import os
from pathlib import Path, PurePosixPath
from typing import NamedTuple

import msgspec

from libs.domain.errors import Rejected
from services.executor.backend import Limits, RunSpec
from services.executor.local.child import accounts, mounts
from services.executor.local.home import RunFolder
from services.executor.local.protocol import Launch, Powers, Prepare, Rights, View

_OUR_TREE = Path(__file__).parents[3]
_MSGSPEC = Path(msgspec.__file__).parent
_MOST_UIDS = 10_000  # as many slots may have a uid of their own
_ROOM = 400  # bytes into which a run can write its command
_TASK = "WALLAROO_TASK_ID"
_THREADS = "_NUM_THREADS"
_EARLY = ("PYTHON", "LD_", "LC_", "LANG", "MALLOC_", "GLIBC_")
# A second thread would not survive the fork. Runs don't inherit the settings, only their effect.
_ONE_THREAD = {
    **{f"{name}{_THREADS}": "1" for name in ("OMP", "OPENBLAS", "MKL")},
    "JE_ARROW_MALLOC_CONF": "background_thread:false",  # of the allocator in pyarrow
}


def check(spec: RunSpec) -> None:
    """Raise Rejected for what could never start."""
    path = PurePosixPath(spec.entrypoint)
    if path.is_absolute() or ".." in path.parts:
        raise Rejected("invalid", "entrypoint: give a path inside the orchestration, without '..'")
    if not (spec.code / path).is_file():
        raise Rejected("invalid", f"entrypoint: there is no file {spec.entrypoint}; add it")
    for name, value in spec.variables.items():
        if not name or "=" in name or "\0" in name + value:
            raise Rejected("invalid", f"variables: {name!r} can't be set; no '=' or NUL, please")


def zygote_uid(first: int) -> int:
    """Whom zygotes run as where runs have uids of their own, from `first` on."""
    return first - 2  # the one in between is the packager's


def zygote(
    spec: RunSpec, folder: RunFolder, rights: Rights, first_uid: int
) -> tuple[Prepare, Launch]:
    """What makes a zygote; its runs' folders will lie below its `temporary`."""
    home, temporary = str(folder.home), str(folder.temporary)
    readable = [*interpreter_trees(spec.python), *_ours()]
    seen, powers = None, None
    if not rights.namespaces:
        shared = Limits().disk_bytes
        seen = View(str(folder.root), home, temporary, readable, shared)
        powers = Powers(first_uid, 0 if rights.uids else _MOST_UIDS)
        home, temporary = mounts.HOME, mounts.TEMPORARY
    program = [str(_OUR_TREE / "services/executor/local/zygote/main.py"), str(_MSGSPEC)]
    prepare = Prepare(
        place=folder.path.name,
        limits=spec.limits,
        readable=_visible(readable),
        writable=[home, temporary, *mounts.devices(rights.private)],
        listable=mounts.listed_trees(),
        view=seen,
        group=f"{rights.group}/rondo-{folder.path.name}" if rights.group else "",
        powers=powers,
    )
    launch = Launch(
        argv=[
            str(spec.python),
            "-u",
            *program,
            "1" if powers else "0",
            spec.entrypoint,
            "-" * _ROOM,
        ],
        environment=_environment(spec, home, temporary) | _ONE_THREAD,
        directory=home,
        uid=None if rights.uids else zygote_uid(first_uid),
        zygote=True,
    )
    return prepare, launch


def only_new(spec: RunSpec) -> str:
    """Why this run must be a new interpreter, from what it asks for; empty if it need not."""
    if spec.mode == "exec":
        return "its mode is exec"
    early = [name for name in spec.variables if name.startswith(_EARLY) or name.endswith(_THREADS)]
    return f"{early[0]} takes effect only when an interpreter starts" if early else ""


def of_the_run(spec: RunSpec) -> frozenset[str]:
    """The variables that it has otherwise than the zygote that it may be forked from."""
    return frozenset(spec.variables) | {_TASK}


class Reach(NamedTuple):
    """What of the machine runs of an interpreter can open. To find it takes a while."""

    trees: list[str]  # its own
    readable: list[str]  # with the system's
    devices: list[str]


def reach(python: Path, rights: Rights) -> Reach:
    """As things are now."""
    trees = interpreter_trees(python)
    return Reach(trees, _visible(trees), mounts.devices(rights.private))


def prepare(
    place: str, reach: Reach, limits: Limits, folder: RunFolder, rights: Rights, forked: bool
) -> Prepare:
    """What to tell the launcher or zygote, with the run's folder as that sees it.

    `place` is unique; a control group, which a zygote may not make, has its name.
    """
    home, temporary = _home(folder, rights)
    return Prepare(
        place=place,
        limits=limits,
        readable=reach.readable,
        writable=[home, temporary, *reach.devices],
        listable=mounts.listed_trees(),
        view=None if rights.namespaces else _view(reach.trees, folder, limits, nested=forked),
        group=f"{rights.group}/rondo-{place}" if rights.group and not forked else "",
    )


def launch(spec: RunSpec, folder: RunFolder, rights: Rights, uid: int | None) -> Launch:
    """What a prepared process becomes. Nothing of our own environment gets into it."""
    home, temporary = _home(folder, rights)
    script = f"{home}/{spec.entrypoint}"
    return Launch(
        argv=[str(spec.python), "-u", script],
        environment=_environment(spec, home, temporary),
        # Where the script lies, not the top: who zips a folder `project` with main.py and data/
        # in it has always run it inside that folder, and reads ./data/table.csv.
        directory=os.path.dirname(script),
        uid=uid,
    )


def _home(folder: RunFolder, rights: Rights) -> tuple[str, str]:
    """Home and temporary folder by the names that the run has for them."""
    if rights.namespaces:
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


def _view(readable: list[str], folder: RunFolder, limits: Limits, nested: bool) -> View:
    hidden = any(tree.startswith((mounts.HOME + "/", mounts.TEMPORARY + "/")) for tree in readable)
    return View(
        root=str(folder.root),
        home=str(folder.home),
        temporary=str(folder.temporary),
        readable=readable,
        shared_bytes=limits.disk_bytes,
        nested=nested and not hidden,  # what lies below those would be covered with them
    )


def _environment(spec: RunSpec, home: str, temporary: str) -> dict[str, str]:
    return {
        "PATH": f"{spec.python.parent}:/usr/local/bin:/usr/bin:/bin",
        "HOME": home,
        "TMPDIR": temporary,
        "USER": accounts.NAME,
        "LOGNAME": accounts.NAME,
        "LANG": "C.UTF-8",
        "PYTHONUNBUFFERED": "1",
        _TASK: str(spec.task_id),
        **spec.variables,
    }
