"""Which imports a script carries out before anything that could steer them. Pure but for reading
the files.

A new interpreter imports in the order of the script, and what stands above an import may change
what that does: a variable, a path, a filter, a condition. So the walk follows the script from its
first statement, through the modules beside it where it imports those, and ends at the first
statement that is not known to be harmless. What follows the run imports by itself.
"""

import ast
import os
import re
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from services.executor.local.zygote.side_effects import Names, bound

_MAX_FILES = 50
_MAX_BYTES = 1 << 20
_MAX_ENTRIES = 20_000
_TOO_MUCH = (OSError, SyntaxError, ValueError, RecursionError, MemoryError)
_SUFFIXES = (".py", ".pyc", ".so")
_ELSEWHERE = re.compile(
    rb"sys\s*\.\s*path|from\s+sys\s+import|import\s+sys\s+as|[\"']sys[\"']|\(\s*sys\s*[,)]"
    rb"|addsitedir|meta_path|spec_from_file|run_path"
)
# In every interpreter before any script, hence never looked for beside it.
_EARLY = {*sys.builtin_module_names, "abc", "codecs", "encodings", "io", "os", "site", "stat"}


class ScriptImports(NamedTuple):
    """What can be imported before a script starts.

    `statements` are `import MODULE` or `from MODULE import NAME`, in their order; `own_imports`
    says why further ones at the top of the script are not among them; `names` are those of the
    modules that the upload has itself.
    """

    statements: tuple[str, ...] = ()
    own_imports: str = ""
    names: frozenset[str] = frozenset()


def find(code: Path, script: Path) -> ScriptImports:
    """Of a script in the uploaded files `code`; no statements where it can't be read as Python."""
    walk = _Walk(script)
    left = ""
    try:
        walk.file(script, "")
    except _Stop as stop:
        left = str(stop)
    except _TOO_MUCH as error:
        walk.found.clear()
        left = f"{script.name} can't be read by the executor's Python ({type(error).__name__})"
    return ScriptImports(tuple(walk.found), left, _own_names(code, script.parent))


class _Stop(Exception):
    """Nothing from here on can be imported ahead."""


class _Walk:
    def __init__(self, script: Path) -> None:
        self._script = script
        self._folder = script.parent
        self._seen: set[str] = set()
        self._after: list[list[ast.stmt]] = []  # what comes in who imports what is walked
        self.found: dict[str, None] = {}

    def file(self, file: Path, package: str) -> None:
        """Of a module whose relative imports start from `package`."""
        if file.stat().st_size > _MAX_BYTES:
            raise ValueError("too large")
        body = ast.parse(file.read_bytes()).body
        self._body(body, Names(body), file, package)

    def _body(self, body: list[ast.stmt], names: Names, file: Path, package: str) -> None:
        for place, statement in enumerate(body):
            self._after.append(body[place + 1 :])
            inner = self._blocks(statement, names, file)
            if isinstance(statement, ast.Import | ast.ImportFrom):
                self._imports(statement, package)
            elif inner is not None:
                self._body(inner, names, file, package)
            elif not names.is_harmless(statement):
                self._stop(statement, file)
            self._after.pop()

    def _imports(self, statement: ast.Import | ast.ImportFrom, package: str) -> None:
        match statement:
            case ast.Import(aliases):
                for each in aliases:
                    self._import(each.name, f"import {each.name}")
            case ast.ImportFrom(module, aliases, level) if module != "__future__":
                whole = _absolute(module, level or 0, package)
                for each in aliases:
                    self._import(whole, f"from {whole} import {each.name}", each.name)

    def _blocks(self, statement: ast.stmt, names: Names, file: Path) -> list[ast.stmt] | None:
        """What in it is carried out, where it is plain which."""
        match statement:
            case ast.If(test, body, other):
                return self._branch(test, body, other, file)
            case ast.Try(body, handlers, other, final):
                caught = [each for handler in handlers for each in handler.body]
                if all(map(self._is_last, body)) or all(map(names.is_harmless, caught)):
                    return [*body, *other, *final]
        return None

    def _is_last(self, statement: ast.stmt) -> bool:
        """Whether nothing is imported ahead after it if it fails: then no handler matters."""
        match statement:
            case ast.Import(names):
                return not any(self._is_own(each.name) for each in names)
            case ast.ImportFrom(str(module), level=0):
                return not self._is_own(module)
            case ast.Assign([ast.Name()], ast.Constant()) | ast.Pass():
                return True  # it can't fail
        return False

    def _branch(
        self, test: ast.expr, body: list[ast.stmt], other: list[ast.stmt], file: Path
    ) -> list[ast.stmt] | None:
        match test:
            case ast.Name("TYPE_CHECKING") | ast.Attribute(ast.Name("typing"), "TYPE_CHECKING"):
                return other
            case ast.Compare(ast.Name("__name__"), [ast.Eq()], [ast.Constant("__main__")]):
                return body if file == self._script else other
        return None

    def _stop(self, statement: ast.stmt, file: Path) -> None:
        after = [statement, *(each for rest in self._after for each in rest)]
        if not any(map(_imports, after)):
            raise _Stop
        name = file.relative_to(self._folder)
        raise _Stop(f"{name}, line {statement.lineno}, may change what the imports after it do")

    def _import(self, module: str, statement: str, name: str = "") -> None:
        if module.partition(".")[0] in _EARLY or not self._is_own(module):
            self.found[statement] = None
            return
        parts = module.split(".")
        for end in range(1, len(parts) + 1):
            self._own(".".join(parts[:end]))
        file = self._file(module)
        if not (file and name and name != "*" and self._file(f"{module}.{name}")):
            return
        if name not in bound(ast.parse(file.read_bytes()).body if file.is_file() else ()):
            self._own(f"{module}.{name}")

    def _is_own(self, module: str) -> bool:
        first = module.partition(".")[0]
        path = self._folder / first
        if path.is_dir() and first not in sys.stdlib_module_names:
            return True
        return (path / "__init__.py").is_file() or any(
            each.name.endswith(_SUFFIXES) for each in self._folder.glob(f"{first}.*")
        )

    def _own(self, module: str) -> None:
        if module in self._seen:
            return
        self._seen.add(module)
        file = self._file(module)
        if file is None or len(self._seen) > _MAX_FILES:
            raise _Stop(f"{module}, beside the script, can't be followed")
        if file.is_dir():
            return
        package = module if file.name == "__init__.py" else module.rpartition(".")[0]
        try:
            self.file(file, package)
        except _TOO_MUCH as error:
            raise _Stop(f"{module}, beside the script, can't be read") from error

    def _file(self, module: str) -> Path | None:
        """Of a module beside the script; the folder of one that has no file."""
        whole = self._folder.joinpath(*module.split("."))
        for path in (whole / "__init__.py", whole.with_name(f"{whole.name}.py")):
            if path.is_file():
                return path
        return whole if whole.is_dir() else None


def _absolute(module: str | None, level: int, package: str) -> str:
    if not level:
        return module or ""
    parts = package.split(".")
    if not package or level > len(parts):
        raise _Stop("a relative import without a package")
    return ".".join([*parts[: len(parts) - level + 1], *([module] if module else [])])


def _imports(statement: ast.AST) -> bool:
    """Whether it imports when it is carried out, not when something in it is called."""
    match statement:
        case ast.Import() | ast.ImportFrom():
            return True
        case ast.FunctionDef() | ast.AsyncFunctionDef():
            return False
    blocks = ast.stmt | ast.ExceptHandler | ast.match_case
    return any(_imports(e) for e in ast.iter_child_nodes(statement) if isinstance(e, blocks))


def _own_names(code: Path, folder: Path) -> frozenset[str]:
    """Of modules beside the script; of all in the upload if it may look for them elsewhere.

    A folder that is no package gives way to any module.
    """
    beside = _modules(folder, os.listdir(folder))
    everywhere, elsewhere = set(beside), False
    for count, (path, _, files) in enumerate(os.walk(code)):
        everywhere |= _modules(Path(path), [*files, *_packages(path)])
        elsewhere = elsewhere or any(map(_looks_elsewhere, _sources(path, files)))
        if count > _MAX_ENTRIES:
            break
    return frozenset(everywhere if elsewhere else beside)


def _modules(folder: Path, entries: Iterable[str]) -> set[str]:
    return {
        each.partition(".")[0]
        for each in entries
        if each.endswith(_SUFFIXES) or (folder / each / "__init__.py").is_file()
    }


def _packages(path: str) -> list[str]:
    return [each.name for each in os.scandir(path) if each.is_dir()]


def _sources(path: str, files: list[str]) -> list[str]:
    return [os.path.join(path, each) for each in files if each.endswith(".py")]


def _looks_elsewhere(source: str) -> bool:
    try:
        with open(source, "rb") as file:
            return bool(_ELSEWHERE.search(file.read(_MAX_BYTES)))
    except OSError:
        return False
