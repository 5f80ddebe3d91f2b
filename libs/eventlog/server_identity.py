"""Which process the embedded NATS is, so that nobody can stand in for it.

Once nats-server has ended, any process may listen on its port, greet, and be told what is to be
appended. So who starts it writes down which process it is, in a folder of the platform's, and a
client sends nothing to anybody else. It says too where the server is: its port may have changed.
"""

from pathlib import Path

import msgspec

from libs.linux.proc import started
from libs.linux.tcp import Address, serves


class Server(msgspec.Struct, frozen=True):
    """`started` is of libs/linux/process.py."""

    url: str
    pid: int
    started: int


def known(file: Path) -> Server:
    """What `file` says now. Raises OSError while there is none."""
    try:
        return msgspec.json.decode(file.read_bytes(), type=Server)
    except msgspec.MsgspecError as error:
        raise OSError(f"{file}: {error}") from error


def proves_itself(server: Server, its: Address, ours: Address) -> bool:
    """Whether the other end of our connection is that very process."""
    try:
        return started(server.pid) == server.started and serves(server.pid, its, ours)
    except OSError:
        return False
