"""Where an archive of Python begins: a function process_data, or a builder of an Inference.

Both are published interfaces. For the frameworks `python` and `custom`, in this order:

    def process_data(input_data: dict[str, np.ndarray]) -> dict[str, np.ndarray]

    class Anything(InferenceBuilder):
        def create(self, config: CustomInferenceConfig) -> Inference
"""

import ast
from collections.abc import Callable, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

from services.inference.step_worker import interfaces

Process = Callable[[dict[str, Any]], Any]

THEIRS = (Exception, SystemExit)  # what their code may raise; who called it goes on
_FUNCTION = "process_data"
_BUILDER = interfaces.InferenceBuilder.__name__


class NoStep(Exception):
    """The archive holds no step; the message is for people."""


def find(files: Mapping[str, str], framework: str) -> str:
    """The one file that defines it. `files` are texts by their paths."""
    defines, what = _KINDS[framework]
    found = [name for name, text in files.items() if any(map(defines, _parsed(name, text).body))]
    if len(found) != 1:
        raise NoStep(f"{len(found)} modules of the archive define {what}; it takes one")
    return found[0]


def process(module: ModuleType, framework: str, folder: Path) -> Process:
    """What is called with the columns. `folder` is where the archive's files lie. Raises whatever
    their code does, TypeError if it has not one builder."""
    if framework == "python":
        function: Process = getattr(module, _FUNCTION)
        return function
    builders = [
        each
        for each in vars(module).values()
        if isinstance(each, type)
        and issubclass(each, interfaces.InferenceBuilder)
        and each.__module__ == module.__name__
    ]
    if len(builders) != 1:
        raise TypeError(f"{len(builders)} classes of {_BUILDER}; it takes one")
    return builders[0]().create(interfaces.CustomInferenceConfig(model_path=folder)).predict


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
        raise NoStep(f"{name} is no Python: {error}") from error
