"""The other side of a seccomp filter that asks: what was called, and what it is to return.

Source: seccomp_unotify(2). What a process says in its memory it can change while it is
looked at, so whoever decides by it must act itself and not let the call go on.
"""

import ctypes
import os
import socket
import struct
from fcntl import ioctl
from pathlib import Path
from typing import NamedTuple

from libs.linux import pidfd

_RECEIVE, _SEND, _IS_VALID = 0xC0502100, 0xC0182101, 0x40082102
_ASKED = struct.Struct("QII iI Q 6Q")  # id, thread, flags; number, architecture, address, arguments
_ANSWER = struct.Struct("QqiI")
_GO_ON = 1
_MAX_ADDRESS_BYTES = 128  # bytes of an address: sockaddr_storage

_libc = ctypes.CDLL(None, use_errno=True)


class Asked(NamedTuple):
    id: int
    thread: int
    arguments: tuple[int, ...]


def receive(listener: int) -> Asked:
    """The next one. Raises OSError if who asked has ended meanwhile."""
    data = bytearray(_ASKED.size)
    ioctl(listener, _RECEIVE, data)
    id, thread, _, _, _, _, *arguments = _ASKED.unpack(data)
    return Asked(id, thread, tuple(arguments))


def go_on(listener: int, asked: Asked) -> None:
    """Let the kernel do it, with what it says by now. Raises OSError if who asked has ended."""
    ioctl(listener, _SEND, bytearray(_ANSWER.pack(asked.id, 0, 0, _GO_ON)))


def answer(listener: int, asked: Asked, code: int) -> None:
    """It has been done, or failed with that errno. Raises OSError if who asked has ended."""
    ioctl(listener, _SEND, bytearray(_ANSWER.pack(asked.id, 0, -code, 0)))


def look_at(process: int) -> None:
    """Whether we may do for it what is below. Raises OSError if not."""
    os.close(os.open(f"/proc/{process}/mem", os.O_RDONLY | os.O_CLOEXEC))
    handle = os.pidfd_open(process)
    try:
        os.close(pidfd.duplicate(handle, 0))
    finally:
        os.close(handle)


def their_socket(listener: int, asked: Asked, descriptor: int) -> socket.socket:
    """Another descriptor of it, here. Raises OSError, also for what is no socket."""
    handle = os.pidfd_open(_process_of(asked.thread))
    try:
        ioctl(listener, _IS_VALID, struct.pack("Q", asked.id))  # still the one that asked
        return pidfd.as_socket(handle, descriptor)
    finally:
        os.close(handle)


def _process_of(thread: int) -> int:
    """Its name comes first, which it chooses itself, of any bytes but the newline."""
    status = Path(f"/proc/{thread}/status").read_bytes()
    return int(status.partition(b"\nTgid:")[2].split(maxsplit=1)[0])


def their_bytes(listener: int, asked: Asked, address: int, size: int) -> bytes:
    """What lies at that address in its memory, at most an address of a socket. Raises OSError."""
    memory = os.open(f"/proc/{asked.thread}/mem", os.O_RDONLY | os.O_CLOEXEC)
    try:
        ioctl(listener, _IS_VALID, struct.pack("Q", asked.id))
        return os.pread(memory, min(size, _MAX_ADDRESS_BYTES), address)
    finally:
        os.close(memory)


def bind(bound: socket.socket, address: bytes) -> int:
    """As bind(2) with an address as the kernel has it; the errno."""
    failed = _libc.bind(bound.fileno(), address, len(address))
    return ctypes.get_errno() if failed else 0
