"""Which modules a script imports before it does anything else. Pure but for reading the files."""

import ast
from collections.abc import Iterator
from pathlib import Path

_MOST_FILES = 50
_MOST_BYTES = 1 << 20
_TOO_MUCH = (OSError, SyntaxError, ValueError, RecursionError, MemoryError)


def of(script: Path) -> tuple[str, ...]:
    """Names as in `import` statements, in their order; empty for what can't be read as Python.

    Those of modules beside the script are followed, not returned. What is imported only within
    functions, or computed, is not seen.
    """
    found: dict[str, None] = {}
    ahead, seen = [script], {script}
    while ahead and len(seen) <= _MOST_FILES:
        for name in _named(ahead.pop(0)):
            local = _beside(script.parent, name)
            if local is None:
                found[name] = None
            elif local not in seen:
                seen.add(local)
                ahead.append(local)
    return tuple(found)


def _named(file: Path) -> list[str]:
    try:
        if file.stat().st_size > _MOST_BYTES:
            return []
        return list(_imports(ast.parse(file.read_bytes()).body))
    except _TOO_MUCH:
        return []


def _imports(body: list[ast.stmt]) -> Iterator[str]:
    for statement in body:
        match statement:
            case ast.Import(names):
                yield from (each.name for each in names)
            case ast.ImportFrom(module=str(module), level=0):
                yield module
            case ast.If() | ast.Try() | ast.With():
                yield from _imports(statement.body)


def _beside(folder: Path, name: str) -> Path | None:
    """The file of a module that lies in `folder`, or of the package that it belongs to."""
    first, *rest = name.split(".")
    if not ((folder / first).is_dir() or (folder / f"{first}.py").is_file()):
        return None
    whole = folder.joinpath(first, *rest)
    for path in (whole / "__init__.py", whole.with_suffix(".py"), folder / first / "__init__.py"):
        if path.is_file():
            return path
    return folder / first
