"""Notes what of its run a package looks at while it is imported on trial: variables, and files
below the run's home. A fork's packages have looked before there was a run, so a run that has
something there takes a new interpreter."""

import os
import sys
from collections import deque
from collections.abc import Callable, Iterator
from typing import Any

_LOOKS = ("stat", "lstat", "access", "listdir", "scandir", "readlink")


class Looks:
    """What was looked at since `begin`, which is for the rest of the process."""

    def __init__(self) -> None:
        self.variables: set[str] = set()
        self.files: set[str] = set()  # relative to the home

    def begin(self) -> None:
        """Look over everybody's shoulder."""
        self._home = os.path.join(os.environ.get("HOME", "/"), "")
        os.environ.__class__ = self._watching(type(os.environ))
        for name in _LOOKS:
            setattr(os, name, self._telling(getattr(os, name)))
        sys.addaudithook(self._hear)

    def _watching(self, kind: Any) -> Any:
        """As os.environ, which `get`, `in` and getenv ask this way.

        Who goes through all of them, as for a copy, asks for none.
        """
        variables, passing = self.variables, deque[str]()

        class Watched(kind):  # type: ignore[misc]
            def __iter__(self) -> Iterator[str]:
                passing.clear()
                for name in super().__iter__():
                    passing.append(name)
                    yield name

            def __getitem__(self, name: str) -> str:
                if passing and passing[0] == name:
                    passing.popleft()
                else:
                    passing.clear()
                    variables.add(name)
                return str(super().__getitem__(name))

            def __contains__(self, name: object) -> bool:
                variables.add(str(name))
                return bool(super().__contains__(name))

        return Watched

    def _telling(self, look: Callable[..., Any]) -> Callable[..., Any]:
        def tell(path: Any = ".", *more: Any, **others: Any) -> Any:
            self._note(path)
            return look(path, *more, **others)

        return tell

    def _hear(self, event: str, arguments: tuple[Any, ...]) -> None:
        if event == "open":
            self._note(arguments[0])

    def _note(self, path: Any) -> None:
        if isinstance(path, str | os.PathLike):
            whole = os.path.normpath(os.path.join(os.getcwd(), os.fspath(path)))
            if isinstance(whole, str) and whole.startswith(self._home):
                self.files.add(whole.removeprefix(self._home))
