"""Which process the embedded NATS is, so that nobody can stand in for it.

Once nats-server has ended, any process may listen on its port, greet, and get what is to be
appended. So who starts the server writes down which process it is, in a folder of the platform, and
a client sends nothing to any other. The file says too where the server is: its port may change.
"""

from pathlib import Path

import msgspec

from libs.linux.proc import started
from libs.linux.tcp import Address, serves


class Server(msgspec.Struct, frozen=True):
    """`started` is when the process started, in ticks since boot (libs/linux/proc.py)."""

    url: str
    pid: int
    started: int


def load(file: Path) -> Server:
    """The server that `file` names. Raises OSError while none can be read there."""
    try:
        return msgspec.json.decode(file.read_bytes(), type=Server)
    except msgspec.MsgspecError as error:
        raise OSError(f"{file}: {error}") from error


def proves_itself(server: Server, its: Address, ours: Address) -> bool:
    """Whether the other end of our connection, from `ours` to `its` address, is that process."""
    try:
        return started(server.pid) == server.started and serves(server.pid, its, ours)
    except OSError:
        return False
