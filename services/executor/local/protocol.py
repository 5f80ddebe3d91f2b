"""What the executor, its launcher and the shims of runs tell each other, one datagram each."""

import socket
from typing import Literal

import msgspec

from services.executor.backend import Limits

START = b"start"  # executor to a launched process: go on, your program may begin
MESSAGE_BYTES = 1 << 18  # no more fits into a socket's buffer by default


class Rights(msgspec.Struct, frozen=True):
    """What the launcher may do on this machine, found by trying; an empty reason: it may."""

    namespaces: str = ""  # why runs get no private view and process table
    uids: str = ""  # why runs get no uid of their own
    landlock: int = 0  # version of the interface, 0 without
    group: str = ""  # directory for the runs' control groups, empty where they would add nothing
    zygotes: str = ""  # why runs can't be forked from warm interpreters
    calls: str = ""  # why system calls can't be kept from runs
    ports: str = ""  # why nobody can bind sockets for them

    @property
    def private(self) -> bool:
        """Whether what other runs have below /dev is out of sight, or of another uid."""
        return not (self.namespaces and self.uids)


class View(msgspec.Struct, frozen=True):
    """The file system as a run sees it: nothing but the system, these trees and its own folders."""

    root: str  # an empty directory to build it on
    home: str  # seen at HOME
    temporary: str  # seen at /tmp
    readable: list[str]  # seen at their own places
    shared_bytes: int  # of /dev/shm
    nested: bool = False  # in a zygote's, which differs from it only in the private folders


class Powers(msgspec.Struct, frozen=True):
    """What a zygote may do to set up its runs, in namespaces of its own: be one of these uids."""

    first_uid: int
    count: int  # 0: no uid but its own


class Prepare(msgspec.Struct, frozen=True, tag=True):
    """Executor to launcher or zygote: make the processes of a run, before it is known of which.

    Comes with two descriptors: control, and the one on which its Launch will come. A shim that
    has ended a run gets the next one on its control, with the second descriptor alone.
    """

    place: str  # unique, to speak of it
    limits: Limits
    readable: list[str]
    writable: list[str]
    listable: list[str]
    view: View | None = None
    group: str = ""
    powers: Powers | None = None


class Launch(msgspec.Struct, frozen=True):
    """Executor to a prepared process: what to become once it gets START, on the same socket.

    Comes with two descriptors, stdout and stderr; that of a zygote with a third, on which it
    will be told what to do.
    """

    argv: list[str]  # the program's path first
    environment: dict[str, str]
    directory: str
    uid: int | None = None
    zygote: bool = False


class Script(msgspec.Struct, frozen=True):
    """What runs will find at `path`."""

    path: str
    source: bytes


class Preload(msgspec.Struct, frozen=True, tag=True):
    """Executor to zygote: import and compile these if that does no harm.

    Of `imports` none after the first that does; they are statements, as in imports.Ahead.
    """

    neutral: list[str] = []
    imports: list[str] = []
    scripts: list[Script] = []


class Stop(msgspec.Struct, frozen=True, tag=True):
    """Executor to shim: ask the run to end, and end it after `grace` seconds.

    Once more, it can only be earlier.
    """

    grace: float


class Gone(msgspec.Struct, frozen=True, tag=True):
    """Launcher or zygote to executor: the shim is reaped, nothing of its run is left."""

    place: str


class Preloaded(msgspec.Struct, frozen=True, tag=True):
    """Zygote to executor, once at its start and after each Preload: ready for the next run."""

    refused: dict[str, str] = {}  # why which imports were not carried out
    found: list[str] = []  # modules that runs find, and a new interpreter has not
    variables: list[str] = []  # that imports have looked at
    files: list[str] = []  # the same, below the home


class Started(msgspec.Struct, frozen=True, tag=True):
    """Child to executor: all is in place, the program comes next. The kernel adds the pid."""

    new: str = ""  # why it becomes a new interpreter; empty if it is a fork of a warm one


class Failed(msgspec.Struct, frozen=True, tag=True):
    """Child to executor: it could not become the program."""

    detail: str


class Ended(msgspec.Struct, frozen=True, tag=True):
    """Shim to executor: every process of the run is dead and reaped."""

    cause: Literal["exit", "stop", "lost"]
    status: int  # of the main process, as from wait(2)
    cpu_seconds: float
    max_rss_bytes: int
    oom_kills: int


def receive(channel: socket.socket) -> bytes:
    """The next message; empty once the other side is gone, even if it left some of ours unread."""
    try:
        return channel.recv(MESSAGE_BYTES)
    except ConnectionResetError:
        return b""


FromRun = Started | Failed | Ended
encode = msgspec.json.encode
shim_decoder: msgspec.json.Decoder[Prepare | Stop] = msgspec.json.Decoder(Prepare | Stop)
order_decoder: msgspec.json.Decoder[Prepare | Preload] = msgspec.json.Decoder(Prepare | Preload)
launch_decoder: msgspec.json.Decoder[Launch] = msgspec.json.Decoder(Launch)
from_launcher_decoder: msgspec.json.Decoder[Gone | Preloaded] = msgspec.json.Decoder(
    Gone | Preloaded
)
from_run_decoder: msgspec.json.Decoder[FromRun] = msgspec.json.Decoder(FromRun)


def heard(message: bytes) -> FromRun | None:
    """What a run's processes say; None for the end, as which nonsense counts: it may come from
    others' code."""
    try:
        return from_run_decoder.decode(message) if message else None
    except msgspec.DecodeError:
        return None
