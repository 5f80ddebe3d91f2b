"""From what a run is and what this machine allows to exactly what its process becomes. No I/O but
looking at links.
"""

import os
from pathlib import Path, PurePosixPath

from libs.domain.errors import Rejected
from services.executor import view
from services.executor.backend import RunSpec
from services.executor.folder import RunFolder
from services.executor.messages import Launch, Rights, View

_USER = "jovyan"  # what people's scripts know from notebooks


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


def launch(spec: RunSpec, folder: RunFolder, rights: Rights, uid: int | None) -> Launch:
    """What to tell the launcher. Nothing of our own environment gets into it."""
    seen = None if rights.namespaces else _view(spec, folder)
    home, temporary = str(folder.home), str(folder.temporary)
    if seen:
        home, temporary = view.HOME, view.TEMPORARY
    script = f"{home}/{spec.entrypoint}"
    return Launch(
        run_id=str(spec.run_id),
        argv=[str(spec.python), "-u", script],
        environment=_environment(spec, home, temporary),
        # Where the script lies, not the top: who zips a folder `project` with main.py and data/
        # in it has always run it inside that folder, and reads ./data/table.csv.
        directory=os.path.dirname(script),
        limits=spec.limits,
        readable=[*view.system_trees(), *view.kernel_trees(), *interpreter_trees(spec.python)],
        writable=[home, temporary, *view.devices()],
        view=seen,
        uid=uid,
        group=f"{rights.group}/rondo-{spec.run_id}" if rights.group else "",
    )


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


def _view(spec: RunSpec, folder: RunFolder) -> View:
    readable = interpreter_trees(spec.python)
    return View(str(folder.root), str(folder.home), str(folder.temporary), readable)


def _environment(spec: RunSpec, home: str, temporary: str) -> dict[str, str]:
    return {
        "PATH": f"{spec.python.parent}:/usr/local/bin:/usr/bin:/bin",
        "HOME": home,
        "TMPDIR": temporary,
        "USER": _USER,
        "LOGNAME": _USER,
        "LANG": "C.UTF-8",
        "PYTHONUNBUFFERED": "1",
        "WALLAROO_TASK_ID": str(spec.task_id),
        **spec.variables,
    }
