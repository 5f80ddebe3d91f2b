"""Asks the kernel for one TCP socket by its two addresses: sock_diag(7).

/proc/net/tcp has the same, but is written anew as a whole for each who reads it, in 5 ms.
"""

import errno
import os
import socket
import struct
from typing import NamedTuple

Address = tuple[str, int]  # IPv4
NOWHERE: Address = ("0.0.0.0", 0)  # noqa: S104 - the other end of one that listens
ESTABLISHED, LISTENING = 1, 10

_SOCK_DIAG, _BY_FAMILY, _REQUEST = 4, 20, 1
_HEADER = struct.Struct("=IHHII")  # struct nlmsghdr
_ASKED = struct.Struct("=BBBxI")  # struct inet_diag_req_v2, up to its id
_ENDS = struct.Struct("!HH4s12x4s12x")  # struct inet_diag_sockid: ports and addresses, then
_ANY = struct.pack("=III", 0, 0xFFFFFFFF, 0xFFFFFFFF)  # which interface, and which cookie
_ANSWER = struct.Struct("=BBxx48x12xII")  # struct inet_diag_msg: family, state, uid, inode
_ERROR = 2  # NLMSG_ERROR


class Found(NamedTuple):
    state: int
    uid: int
    inode: int


def look_up(local: Address, remote: Address = NOWHERE) -> Found | None:
    """The socket of `local` that is connected to `remote`, or else one that listens there, if there
    is one. Raises OSError where the kernel can't be asked."""
    kinds = _ASKED.pack(socket.AF_INET, socket.IPPROTO_TCP, 0, 0xFFFFFFFF)
    addresses = socket.inet_aton(local[0]), socket.inet_aton(remote[0])
    body = kinds + _ENDS.pack(local[1], remote[1], *addresses) + _ANY
    head = _HEADER.pack(_HEADER.size + len(body), _BY_FAMILY, _REQUEST, 0, 0)
    with socket.socket(
        socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, _SOCK_DIAG
    ) as asked:
        asked.send(head + body)
        answer = asked.recv(4096)
    kind = _HEADER.unpack_from(answer)[1]
    if kind == _ERROR:
        (code,) = struct.unpack_from("=i", answer, _HEADER.size)
        if -code == errno.ENOENT:
            return None
        raise OSError(-code, os.strerror(-code))
    _, state, uid, inode = _ANSWER.unpack_from(answer, _HEADER.size)
    return Found(state, uid, inode)
