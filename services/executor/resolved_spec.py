"""A run whose files are on this machine: what every backend that starts processes does alike.

Light to import: it is part of the launcher.
"""

from pathlib import Path, PurePosixPath

from libs.domain.errors import Rejected
from services.executor.backend import RunSpec

USER = "jovyan"
TASK_ID = "WALLAROO_TASK_ID"


class ResolvedSpec(RunSpec, frozen=True, kw_only=True):
    """With the paths of what a RunSpec names."""

    python: Path  # bin/python of the environment
    tree: Path  # the unpacked code, shared and only read

    def check(self) -> None:
        """Raise Rejected("invalid") for what could never start."""
        path = PurePosixPath(self.entrypoint)
        if path.is_absolute() or ".." in path.parts:
            reason = "give a path inside the orchestration, without '..'"
            raise Rejected("invalid", f"entrypoint: {reason}")
        if not (self.tree / path).is_file():
            raise Rejected("invalid", f"entrypoint: there is no file {self.entrypoint}; add it")
        for name, value in self.variables.items():
            if not name or "=" in name or "\0" in name + value:
                reason = f"{name!r} can't be set; no '=' or NUL, please"
                raise Rejected("invalid", f"variables: {reason}")

    def private_files(self) -> dict[str, bytes]:
        """What its home has beside the code, by path below it."""
        given = {"arguments.json": self.arguments, **self.files}
        # The SDK reads the arguments in HOME; a script may also do so beside its other data.
        beside, _, _ = self.entrypoint.rpartition("/")
        return given | ({f"{beside}/arguments.json": self.arguments} if beside else {})

    def process_environment(self, home: str, temporary: str) -> dict[str, str]:
        """All its variables. Nothing of our own environment is among them."""
        return {
            "PATH": f"{self.python.parent}:/usr/local/bin:/usr/bin:/bin",
            "HOME": home,
            "TMPDIR": temporary,
            "USER": USER,
            "LOGNAME": USER,
            "LANG": "C.UTF-8",
            "PYTHONUNBUFFERED": "1",
            TASK_ID: str(self.task_id),
            **self.variables,
        }


def too_large() -> Rejected:
    """What says so of variables that no process can be given."""
    return Rejected("invalid", "variables: too large; pass data as arguments")
