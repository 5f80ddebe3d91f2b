"""What the executor, its launcher and the shims of runs tell each other, one datagram each."""

import socket
from typing import Literal

import msgspec

from services.executor.backend import Limits

START = b"start"  # executor to a launched process: your program may begin
MAX_MESSAGE_BYTES = 1 << 18  # no more fits into a socket's buffer by default


class Capabilities(msgspec.Struct, frozen=True):
    """What the launcher can do on this machine, as it found by trying.

    A field `no_…` is empty where it can, else the reason why it can't.
    """

    no_namespaces: str = ""  # runs share the machine's file system and process table
    no_uids: str = ""  # runs have no uid of their own
    landlock: int = 0  # version of the interface, 0 without
    cgroup_parent: str = ""  # folder for the runs' control groups, empty where they add nothing
    no_zygotes: str = ""  # runs can't be forked from warm interpreters
    no_syscall_filter: str = ""  # system calls can't be kept from runs
    no_port_broker: str = ""  # nobody can bind sockets for runs

    @property
    def private_devices(self) -> bool:
        """Whether what other runs have below /dev is out of sight, or of another uid."""
        return not (self.no_namespaces and self.no_uids)


class MountPlan(msgspec.Struct, frozen=True):
    """The file system of a run: the system, these trees, its own folders and nothing else."""

    root: str  # an empty folder to build it on
    home: str  # seen at HOME
    temporary: str  # seen at /tmp
    readable: list[str]  # trees, seen at their own paths
    shared_bytes: int  # of /dev/shm
    nested: bool = False  # built inside a zygote's, which differs in the private folders only


class ZygotePrivileges(msgspec.Struct, frozen=True):
    """The uids that a zygote may give to its runs, in namespaces of its own."""

    first_uid: int
    count: int  # 0: no uid but its own


class Prepare(msgspec.Struct, frozen=True, tag=True):
    """Executor to launcher or zygote: make the processes of a run, before it is known of which.

    Comes with two descriptors: the shim's control socket, and the socket on which the Launch will
    come. A shim that has ended a run gets its next Prepare on the control socket, with the launch
    socket alone.
    """

    name: str  # unique among the launcher's or zygote's
    limits: Limits
    readable: list[str]
    writable: list[str]
    listable: list[str]
    mounts: MountPlan | None = None  # none where there are no namespaces
    group: str = ""  # folder of its control group; empty without
    privileges: ZygotePrivileges | None = None  # of a zygote alone


class Launch(msgspec.Struct, frozen=True):
    """Executor to a prepared process: what to become once it gets START, on the same socket.

    Comes with two descriptors, stdout and stderr. A zygote's comes with a third, its own control
    socket.
    """

    argv: list[str]  # the program's path first
    environment: dict[str, str]
    directory: str
    uid: int | None = None
    zygote: bool = False


class Script(msgspec.Struct, frozen=True):
    """The source that runs will find at `path`."""

    path: str
    source: bytes


class Preload(msgspec.Struct, frozen=True, tag=True):
    """Executor to zygote: import and compile these if that does no harm.

    `neutral` and `imports` are statements, as in ScriptImports. The zygote stops at the first of
    `imports` that does harm; `neutral` ones are independent of each other.
    """

    neutral: list[str] = []
    imports: list[str] = []
    scripts: list[Script] = []


class Stop(msgspec.Struct, frozen=True, tag=True):
    """Executor to shim: ask the run to end, and end it by force after `grace` seconds.

    A second one can only make that earlier.
    """

    grace: float


class Gone(msgspec.Struct, frozen=True, tag=True):
    """Launcher or zygote to executor: the shim is reaped, nothing of its run is left."""

    name: str  # of the Prepare that the shim was made for


class Preloaded(msgspec.Struct, frozen=True, tag=True):
    """Zygote to executor, once at its start and after each Preload: ready for the next run."""

    refused: dict[str, str] = {}  # statements that were not carried out, each with the reason
    modules: list[str] = []  # those that runs find loaded and a new interpreter has not
    variables: list[str] = []  # environment variables that imports have looked at
    files: list[str] = []  # paths below the home that imports have looked at


class Started(msgspec.Struct, frozen=True, tag=True):
    """Child to executor: all is in place, the program comes next. The kernel adds the pid."""

    exec_reason: str = ""  # why it becomes a new interpreter; empty for a fork of a warm one


class Failed(msgspec.Struct, frozen=True, tag=True):
    """Child to executor: it could not become the program."""

    detail: str


class Ended(msgspec.Struct, frozen=True, tag=True):
    """Shim to executor: every process of the run is dead and reaped."""

    # By itself, by a Stop, or because the launcher or the executor was gone.
    cause: Literal["exit", "stop", "lost"]
    status: int  # of the main process, as from wait(2)
    cpu_seconds: float
    max_rss_bytes: int
    oom_kills: int


def receive(control: socket.socket) -> bytes:
    """The next message; empty once the other side is gone, even if it left some of ours unread."""
    try:
        return control.recv(MAX_MESSAGE_BYTES)
    except ConnectionResetError:
        return b""


FromRun = Started | Failed | Ended
encode = msgspec.json.encode
shim_decoder: msgspec.json.Decoder[Prepare | Stop] = msgspec.json.Decoder(Prepare | Stop)
fork_loop_decoder: msgspec.json.Decoder[Prepare | Preload] = msgspec.json.Decoder(Prepare | Preload)
launch_decoder: msgspec.json.Decoder[Launch] = msgspec.json.Decoder(Launch)
from_launcher_decoder: msgspec.json.Decoder[Gone | Preloaded] = msgspec.json.Decoder(
    Gone | Preloaded
)
from_run_decoder: msgspec.json.Decoder[FromRun] = msgspec.json.Decoder(FromRun)


def decode_from_run(message: bytes) -> FromRun | None:
    """A message of a run's processes; None for the end of them.

    Nonsense counts as the end: a zygote's processes run others' packages, which could write it.
    """
    try:
        return from_run_decoder.decode(message) if message else None
    except msgspec.DecodeError:
        return None
