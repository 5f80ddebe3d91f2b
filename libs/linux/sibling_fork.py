"""A fork whose child is not ours but our parent's: it outlives us, and our parent waits for it.

As os.fork does it, by clone(2) with CLONE_PARENT, which Python and libc have no function for. Libc
keeps the thread's number in its own memory; the kernel is told to put the new one there.
"""

import ctypes
import errno
import os
import platform
import signal

_CLONE_PARENT, _CLONE_CHILD_CLEARTID, _CLONE_CHILD_SETTID = 0x8000, 0x200000, 0x1000000
_PR_GET_TID_ADDRESS = 40
_NUMBERS = {"x86_64": 56, "aarch64": 220}  # of clone

_libc = ctypes.PyDLL(None, use_errno=True)  # keeps the interpreter's lock, as os.fork does
_libc.syscall.restype = ctypes.c_long


def fork_as_sibling() -> int:
    """As os.fork. The caller has one thread. Raises OSError, also where this can't be done."""
    number = _NUMBERS.get(platform.machine())
    address = _place_of_thread_id()
    if number is None or address is None:
        raise OSError(errno.ENOSYS, "siblings can't be forked on this system")
    flags = _CLONE_PARENT | _CLONE_CHILD_SETTID | _CLONE_CHILD_CLEARTID | signal.SIGCHLD
    # The order of the last two differs between machines; the other of them is not looked at.
    arguments = (ctypes.c_long(each) for each in (number, flags, 0, 0, address, address))
    ctypes.pythonapi.PyOS_BeforeFork()
    pid = int(_libc.syscall(*arguments))
    if pid == 0:
        ctypes.pythonapi.PyOS_AfterFork_Child()
    else:
        ctypes.pythonapi.PyOS_AfterFork_Parent()
    if pid == -1:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return pid


def _place_of_thread_id() -> int | None:
    """Where libc has it; None for a libc that has something else there."""
    found = ctypes.c_void_p()
    failed = _libc.prctl(_PR_GET_TID_ADDRESS, ctypes.byref(found), 0, 0, 0)
    if failed or not found.value or ctypes.c_int.from_address(found.value).value != os.getpid():
        return None
    return found.value
