"""Where an archive of Python begins: a function process_data, or a builder of an Inference.

Both are published interfaces. For the frameworks `python` and `custom`, in this order:

    def process_data(input_data: dict[str, np.ndarray]) -> dict[str, np.ndarray]

    class Anything(InferenceBuilder):
        def create(self, config: CustomInferenceConfig) -> Inference
"""

import ast
from collections.abc import Callable, Mapping
from pathlib import Path, PurePosixPath
from types import ModuleType
from typing import Any

from services.inference.engine import mac_interfaces as mac
from services.inference.engine.errors import BadModel
from services.inference.engine.python_sources import importable
from services.inference.engine.tensors import Array

Process = Callable[[dict[str, Array]], Any]

THEIRS = (Exception, SystemExit)  # what their code may raise; the replica goes on
_FUNCTION = "process_data"
_BUILDER = mac.InferenceBuilder.__name__


def entry(files: Mapping[str, str], framework: str) -> Process:
    """What is called with the columns. BadModel if it is not there once, or can't be imported."""
    defines, what = _KINDS[framework]
    entries = [name for name, text in files.items() if any(map(defines, _parsed(name, text).body))]
    if len(entries) != 1:
        raise BadModel(f"{len(entries)} modules of the archive define {what}; it takes one")
    path = PurePosixPath(entries[0])
    folder = "" if path.parent == PurePosixPath() else f"{path.parent}/"
    modules = {
        name.removeprefix(folder): (name, text)
        for name, text in files.items()
        if name.startswith(folder)
    }
    mac.provide()
    try:
        with importable(modules) as load:
            return _process(load(path.stem), framework)
    except THEIRS as error:
        raise BadModel(f"{path.name} can't be imported: {_words(error)}") from error


def _process(module: ModuleType, framework: str) -> Process:
    if framework == "python":
        function: Process = getattr(module, _FUNCTION)
        return function
    builders = [
        each
        for each in vars(module).values()
        if isinstance(each, type)
        and issubclass(each, mac.InferenceBuilder)
        and each.__module__ == module.__name__
    ]
    if len(builders) != 1:
        raise TypeError(f"{len(builders)} classes of {_BUILDER}; it takes one")
    return builders[0]().create(mac.CustomInferenceConfig(model_path=Path("/nonexistent"))).predict


def _defines_function(node: ast.stmt) -> bool:
    return isinstance(node, ast.FunctionDef) and node.name == _FUNCTION


def _defines_builder(node: ast.stmt) -> bool:
    return isinstance(node, ast.ClassDef) and any(
        isinstance(base, ast.Name) and base.id == _BUILDER for base in node.bases
    )


_KINDS: Mapping[str, tuple[Callable[[ast.stmt], bool], str]] = {
    "python": (_defines_function, f"{_FUNCTION}(input_data)"),
    "custom": (_defines_builder, f"a class of {_BUILDER}"),
}
FRAMEWORKS = tuple(_KINDS)


def _parsed(name: str, text: str) -> ast.Module:
    try:
        return ast.parse(text)
    except (SyntaxError, ValueError, RecursionError) as error:
        raise BadModel(f"{name} is no Python: {error}") from error


def _words(error: BaseException) -> str:
    if isinstance(error, ModuleNotFoundError):
        return f"there is no {error.name!r}; steps find numpy and pandas, and their own files"
    return f"{type(error).__name__}: {error}"
