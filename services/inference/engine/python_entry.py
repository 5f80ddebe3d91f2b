"""A step of an archive, as a function in this process; step_worker/entry.py says what it is."""

from collections.abc import Mapping
from pathlib import Path, PurePosixPath

from services.inference.engine.errors import BadModel
from services.inference.engine.python_sources import importable
from services.inference.step_worker import interfaces
from services.inference.step_worker.entry import THEIRS, NoStep, Process, find, process

_NOWHERE = Path("/nonexistent")  # archives are not unpacked for steps that run here


def entry(files: Mapping[str, str], framework: str) -> Process:
    """What is called with the columns. BadModel if it is not there once, or can't be imported."""
    try:
        path = PurePosixPath(find(files, framework))
    except NoStep as problem:
        raise BadModel(str(problem)) from problem
    folder = "" if path.parent == PurePosixPath() else f"{path.parent}/"
    modules = {
        name.removeprefix(folder): (name, text)
        for name, text in files.items()
        if name.startswith(folder)
    }
    interfaces.provide()
    try:
        with importable(modules) as load:
            return process(load(path.stem), framework, _NOWHERE)
    except THEIRS as error:
        raise BadModel(f"{path.name} can't be imported: {_words(error)}") from error


def _words(error: BaseException) -> str:
    if isinstance(error, ModuleNotFoundError):
        return (
            f"there is no {error.name!r}; steps find numpy and pandas, their own files, and what a"
            " requirements.txt in the archive names"
        )
    return f"{type(error).__name__}: {error}"
