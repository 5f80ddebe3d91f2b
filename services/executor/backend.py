"""The port through which the executor runs users' code, whatever it is run on.

A backend starts what it is told to and reports how it ended. It decides nothing: whether a run may
start (at most once), who is told and when is its caller's affair.
"""

from pathlib import Path
from typing import Literal, Protocol
from uuid import UUID

import msgspec

from libs.domain.events import RunEnd
from libs.domain.run_end import Reason

GiB = 1 << 30
BOUNDLESS = 1 << 62

Mode = Literal["fork", "exec"]


class Limits(msgspec.Struct, frozen=True):
    """What one run may use. Bytes but for the counts; 0 means none at all, not boundless."""

    memory_bytes: int = 4 * GiB  # of address space, for each process
    file_bytes: int = 1 * GiB  # for each file
    disk_bytes: int = 2 * GiB  # of all its files together, looked at every two seconds
    processes: int = 512
    open_files: int = 4096


class RunSpec(msgspec.Struct, frozen=True):
    """One run. `slot` (0, 1, ...) is the caller's: no two runs have the same at the same time."""

    run_id: UUID
    task_id: UUID
    slot: int
    python: Path  # bin/python of the environment
    code: Path  # the unpacked tree, shared and only read
    entrypoint: str  # a path inside it with "/", as in "sub/main.py"
    arguments: bytes = b"{}"  # a JSON object, put into arguments.json
    variables: dict[str, str] = {}  # more environment for the script
    files: dict[str, bytes] = {}  # more private files, by path below its home (a token cache)
    timeout: float | None = None  # seconds from the start
    grace: float = 0.0  # seconds from asking its main process to end to SIGKILL; 0: at once
    limits: Limits = Limits()
    mode: Mode = "fork"  # of a warm interpreter where there is one; exec: always a new one

    def __repr__(self) -> str:  # variables and files may hold secrets
        return f"RunSpec(run_id={self.run_id}, entrypoint={self.entrypoint!r})"


class Outcome(msgspec.Struct, frozen=True):
    """How a run ended; with `exit_code` or `signal` if that of its main process is known."""

    status: RunEnd
    reason: Reason
    detail: str  # a sentence for people
    exit_code: int | None = None
    signal: str | None = None  # as in "SIGSEGV"
    cpu_seconds: float = 0.0  # of all its processes
    max_rss_bytes: int = 0  # of the largest of them


class Running(Protocol):
    """A run under way. Its caller reads `stdout` and `stderr` to the end and closes them."""

    pid: int
    stdout: int  # the read end of a pipe, non-blocking; it ends when no process of the run is left
    stderr: int
    new: str  # why it is a new interpreter; empty if it was forked from a warm one
    left: str  # why a forked one imports itself what stands at the top of its script, if it does

    async def wait(self) -> Outcome:
        """Wait until no process of the run lives; then its files go too. Any number of callers."""

    async def stop(
        self, status: Literal["killed", "timed_out"], within: float | None = None
    ) -> None:
        """End the run; returns when none of it lives.

        Its main process is asked first if it has a grace, and gets that, but at most `within`
        seconds. Once more can only make that less: the first to stop it says how it ended.
        """


class Prepared(Protocol):
    """A run for which all is ready but the permission to start it. Either call, and once."""

    async def start(self) -> Running:
        """Raises as Backend.prepare; nothing of the run is left then."""

    async def discard(self) -> None:
        """It is not to be; returns when nothing of it is left."""


class Backend(Protocol):
    """Where runs live."""

    def capabilities(self) -> list[str]:
        """What protects runs from each other here and what cannot, as sentences for people."""

    def explain(self, last_words: bytes) -> str:
        """What of this machine may be the reason of a failure with these on stderr, or nothing."""

    async def prepare(self, spec: RunSpec) -> Prepared:
        """Do all that can be done before it is known that the run may start.

        What goes wrong after its start is an Outcome, not an exception. Raises Rejected for a spec
        that can never start, Unavailable if none can start right now.
        """

    async def start(self, spec: RunSpec) -> Running:
        """Prepare it and start it at once."""

    async def warm(self, spec: RunSpec) -> str:
        """Get ready for runs like this one; returns why they will be slow to start, if they are."""

    async def close(self) -> None:
        """Kill all runs and give back everything."""
