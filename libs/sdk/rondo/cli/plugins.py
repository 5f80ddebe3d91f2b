"""Commands of other packages: entry points of the group `rondo.commands`.

Each is a function that takes all arguments, its own name first, and returns the exit status.
"""

from collections.abc import Callable
from typing import Any

GROUP = "rondo.commands"


def find(name: str) -> Callable[[list[str]], int] | None:
    """The command with that name, or None."""
    for entry in _entries():
        if entry.name == name:
            return _callable(entry)
    return None


def names() -> list[str]:
    """The names of all such commands, sorted."""
    return sorted({entry.name for entry in _entries()})


def _entries() -> Any:
    from importlib.metadata import entry_points  # takes longer to load than most commands run

    return entry_points(group=GROUP)


def _callable(entry: Any) -> Callable[[list[str]], int]:
    function: Callable[[list[str]], int] = entry.load()
    return function
