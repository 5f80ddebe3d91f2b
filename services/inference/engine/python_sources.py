"""The Python files of an archive, as modules that can be imported for a while."""

import importlib.abc
import importlib.machinery
import importlib.util
import sys
import types
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from libs.archive.reader import opened
from libs.domain.errors import Rejected
from services.inference.engine.errors import BadModel

MAX_ENTRIES = 1000
MAX_SOURCE_BYTES = 10 << 20


def sources(path: Path) -> dict[str, str]:
    """Their texts, by their names in the archive. BadModel for an archive that is broken, or holds
    more than MAX_SOURCE_BYTES of them."""
    contents: dict[str, bytes] = {}
    try:
        with opened(path, MAX_ENTRIES) as archive:
            for member in archive.members:
                if not member.name.endswith(".py"):
                    continue
                if member.size + sum(map(len, contents.values())) > MAX_SOURCE_BYTES:
                    raise BadModel(f"its Python files are more than {MAX_SOURCE_BYTES} bytes")
                contents[member.name] = b"".join(archive.chunks(member))
        return {name: text.decode() for name, text in contents.items()}
    except Rejected as error:
        raise BadModel(error.message) from error
    except UnicodeDecodeError as error:
        raise BadModel("its Python files are not all UTF-8") from error


@contextmanager
def importable(
    files: Mapping[str, tuple[str, str]],
) -> Iterator[Callable[[str], types.ModuleType]]:
    """Within it, the given function imports them: `a/b.py` as a.b. `files` are their names for
    tracebacks and their texts, by path. Afterwards they are forgotten, so that another archive may
    have modules of the same names; nothing of ours or the library's is ever hidden by them."""
    finder = _Finder(files)
    before = set(sys.modules)
    sys.meta_path.append(finder)
    try:
        yield finder.load
    finally:
        sys.meta_path.remove(finder)
        for name in set(sys.modules) - before:
            spec = getattr(sys.modules[name], "__spec__", None)
            if spec is not None and spec.loader is finder:
                del sys.modules[name]


class _Finder(importlib.abc.MetaPathFinder, importlib.abc.InspectLoader):
    def __init__(self, files: Mapping[str, tuple[str, str]]) -> None:
        self._files = files

    def load(self, name: str) -> types.ModuleType:
        """The module, also if one of that name is known already."""
        spec = importlib.util.spec_from_loader(name, self)
        assert spec is not None  # noqa: S101 - for mypy: only a loader without is_package gives none
        module = importlib.util.module_from_spec(spec)
        self.exec_module(module)
        return module

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: types.ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        return importlib.util.spec_from_loader(fullname, self) if self._of(fullname) else None

    def is_package(self, fullname: str) -> bool:
        return f"{_path(fullname)}/__init__.py" in self._files

    def get_source(self, fullname: str) -> str:
        return self._named(fullname)[1]

    def get_code(self, fullname: str) -> Any:
        name, text = self._named(fullname)
        return compile(text, name, "exec", dont_inherit=True)

    def _named(self, fullname: str) -> tuple[str, str]:
        file = self._of(fullname)
        if file is None:
            raise ImportError(name=fullname)
        return file

    def _of(self, fullname: str) -> tuple[str, str] | None:
        path = _path(fullname)
        return self._files.get(f"{path}/__init__.py") or self._files.get(f"{path}.py")


def _path(fullname: str) -> str:
    return fullname.replace(".", "/")
