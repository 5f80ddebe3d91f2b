"""System calls that a process gives up for good, with all that it will start: seccomp(2).

A filter is a small program for the kernel (linux/filter.h, linux/seccomp.h), given as data: it
needs no rights but NO_NEW_PRIVS and no library. It is inherited by fork and exec, and a call that
it always lets through costs some nanoseconds, for the kernel keeps a list of those.
"""

import ctypes
import errno
import platform
import struct
from collections.abc import Iterable, Mapping

from libs.linux import syscalls

_MACHINES = {"x86_64": (317, 0xC000003E), "aarch64": (277, 0xC00000B7)}  # seccomp(2), AUDIT_ARCH
_SET_FILTER = 1
_SPECULATE, _LISTEN, _KILLABLE = 1 << 2, 1 << 3, 1 << 5

# Of a system call, as the kernel shows it: number, architecture, instruction, six arguments.
_NUMBER, _ARCHITECTURE, _ARGUMENT = 0, 4, 16
_LOAD, _RETURN = 0x20, 0x06
_EQUAL, _AT_LEAST, _ANY_BIT = 0x15, 0x35, 0x45
_ALLOW, _REFUSE, _ASK = 0x7FFF0000, 0x00050000, 0x7FC00000
_X32 = 0x40000000

Steps = list[tuple[int, int, int, int]]  # code, steps to pass over if true, if false, constant

allow: Steps = [(_RETURN, 0, 0, _ALLOW)]
ask: Steps = [(_RETURN, 0, 0, _ASK)]


def refuse(code: int) -> Steps:
    """Fail with this errno."""
    return [(_RETURN, 0, 0, _REFUSE | code)]


def if_equal(argument: int, values: Iterable[int], then: Steps, otherwise: Steps) -> Steps:
    """By the lower half of an argument, counted from 0. `then` is one step."""
    steps: Steps = []
    for value in values:
        steps += [(_EQUAL, 0, 1, value), *then]
    return [(_LOAD, 0, 0, _ARGUMENT + 8 * argument), *steps, *otherwise]


def if_bit(argument: int, bit: int, then: Steps, otherwise: Steps) -> Steps:
    """As `if_equal`, for one that has the bit."""
    return [(_LOAD, 0, 0, _ARGUMENT + 8 * argument), (_ANY_BIT, 0, 1, bit), *then, *otherwise]


def number(x86_64: int, aarch64: int) -> int:
    """A system call's on this machine."""
    return aarch64 if platform.machine() == "aarch64" else x86_64


class Filter:
    """Rules by the numbers of calls; those for other architectures fail. Made once, for it takes
    ten times as long as to put it on."""

    def __init__(self, rules: Mapping[int, Steps]) -> None:
        """Raises OSError where the machine is of a kind that we have no numbers for."""
        if platform.machine() not in _MACHINES:
            raise OSError(errno.ENOSYS, "there are no seccomp rules for this processor")
        self._call, architecture = _MACHINES[platform.machine()]
        steps = _program(rules, architecture)
        code = b"".join(struct.pack("HBBI", *step) for step in steps)
        self._code = ctypes.create_string_buffer(code, len(code))
        self._program = struct.pack("HxxxxxxP", len(steps), ctypes.addressof(self._code))
        self._asks = any(ask[0] in rule for rule in rules.values())

    def put_on(self) -> int:
        """From now on. Returns the descriptor on which it asks, else 0. Raises OSError."""
        flags = _SPECULATE | (_LISTEN if self._asks else 0)
        if self._asks:
            try:  # since Linux 5.19: no signal interrupts who waits, which would make it ask twice
                return self._set(flags | _KILLABLE)
            except OSError as error:
                if error.errno != errno.EINVAL:
                    raise
        return self._set(flags)

    def _set(self, flags: int) -> int:
        return syscalls.syscall(self._call, _SET_FILTER, flags, self._program)


def _program(rules: Mapping[int, Steps], architecture: int) -> Steps:
    steps: Steps = [
        (_LOAD, 0, 0, _ARCHITECTURE),
        (_EQUAL, 1, 0, architecture),
        *refuse(errno.ENOSYS),
        (_LOAD, 0, 0, _NUMBER),
        (_AT_LEAST, 0, 1, _X32),
        *refuse(errno.ENOSYS),
    ]
    for call, rule in rules.items():
        steps += [(_EQUAL, 0, len(rule), call), *rule]
    return steps + allow
