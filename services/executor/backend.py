"""The port through which the executor runs users' code, whatever that runs on.

One run takes this road, in this order:

    prepared = await backend.prepare(spec)  # all is there, no code of the user's runs
    running = await prepared.start()        # now it runs; or `discard`, and it never does
    async for piece in running.output: ...  # to its end
    outcome = await running.wait()          # nothing of it lives

A backend decides nothing. Whether a run may start (at most once), and who hears how it ended, is
its caller's affair.

Errors: Rejected says that this run can never start, Unavailable that none can right now; nothing of
the run is left then. What goes wrong after the start is an Outcome, never an exception.
Units: seconds, bytes, and for instants nanoseconds since 1970.
"""

from collections.abc import AsyncIterator
from typing import Literal, NamedTuple, Protocol
from uuid import UUID

import msgspec

from libs.domain.run_end import Reason
from libs.domain.values import RunEnd

GiB = 1 << 30
BOUNDLESS = 1 << 62

Mode = Literal["fork", "exec"]
Stream = Literal["stdout", "stderr"]

# What a backend may promise beyond the road above. The contract's tests ask for these.
Capability = Literal[
    "limits",  # RunSpec.limits are held
    "isolation",  # runs are kept from each other and from us, as `describe` says how far
    "whole_tree",  # no process outlives its run, not even one that hides from it
    "unwinding",  # a Python script that is asked to end runs its `finally` and `atexit`
    "adoption",  # runs outlive the executor, and the next one can adopt them
]


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
    environment: str  # id of what the packager built: an interpreter with its packages
    code: str  # key of the blob with the uploaded archive
    entrypoint: str  # a path inside the archive with "/", as in "sub/main.py"
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
    new_interpreter: str = ""  # as in RunFinished, like the next
    own_imports: str = ""


class Piece(NamedTuple):
    """Some of a run's output, as large as came at once. No data: that stream has ended."""

    stream: Stream
    data: bytes
    at: int | None  # when it was written, where the backend knows; else it is when it was read


class Output(Protocol):
    """What a run prints, both streams in one. For one reader.

    Reading slowly slows the run down; nothing is dropped.
    """

    def __aiter__(self) -> AsyncIterator[Piece]:
        """Pieces of one stream come in their order; it ends when no process can write any more."""

    async def aclose(self) -> None:
        """This reader stops. Always call it, at the end too. The rest is for who adopts the run,
        or else for nobody.
        """


class Running(Protocol):
    """A run whose code has begun."""

    @property
    def output(self) -> Output:
        """The same one at each call."""

    async def wait(self) -> Outcome:
        """Wait until no process of the run lives; its files go soon after. Any number of callers.

        What the run has printed can still be read then.
        """

    async def stop(
        self, status: Literal["killed", "timed_out"], within: float | None = None
    ) -> None:
        """End the run; returns when none of it lives, at once if it has ended.

        Its main process is asked first if it has a grace, and gets that, but at most `within`
        seconds. Once more can only make that less: the first to stop it says how it ended.
        """


class Prepared(Protocol):
    """A run for which all is ready but the permission to start it. Either call, and once."""

    async def start(self) -> Running:
        """Let the user's code begin. Raises as `Backend.prepare`."""

    async def discard(self) -> None:
        """It is not to be; returns when nothing of it is left."""


class Backend(Protocol):
    """Where runs live."""

    @property
    def capabilities(self) -> frozenset[Capability]:
        """What it promises, the same on every machine."""

    def describe(self) -> list[str]:
        """What protects runs from each other here and what cannot, as sentences for people."""

    async def prepare(self, spec: RunSpec) -> Prepared:
        """Do all that can be done before it is known that the run may start.

        Raises Rejected("invalid") for a spec that can never start, Rejected("conflict") for a run
        that is here already, Unavailable after a minute if its code or environment can't be had.
        """

    async def adopt(self, run_id: UUID) -> Running | None:
        """A run that an earlier executor started here, whether it lives or has ended meanwhile.

        Its output goes on where the last reader stopped. None if it is not known, as always where
        runs end with their executor.
        """

    async def prefetch(self, spec: RunSpec) -> str:
        """Get ready for runs like this one; returns why they will be slow to start, if they are.

        For speed alone: nothing depends on it. Raises as `prepare`.
        """

    def explain(self, last_words: bytes) -> str:
        """What of this machine may be the reason of a failure with these on stderr, or nothing."""

    async def close(self) -> None:
        """Return when everything is given back: no run lives, but those that can be adopted."""
