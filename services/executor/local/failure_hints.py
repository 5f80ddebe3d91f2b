"""What a program may have failed for because this machine has it not, seen by its last words.

multiprocessing says `PermissionError: [Errno 13] Permission denied` and no name where there is no
/dev/shm for it: nobody could know what to do.
"""

from services.executor.local.protocol import Capabilities

_DENIED = b"ermission denied"
# Where it comes from: multiprocessing and its copies, their shared memory, and torch's.
_SHM = "/dev/shm"  # noqa: S108 - named, not used
_OF_SHARED_MEMORY = (b"SemLock(", b"shm_open(", b"shared memory object", _SHM.encode())
_NO_SHARED_MEMORY = (
    f"RONDO: runs on this machine have no {_SHM}, which locks, queues, pools and shared memory of"
    " multiprocessing need. Threads do without. Whoever runs the platform can allow user"
    f" namespaces: each run has a {_SHM} of its own then"
)


def explain(last_words: bytes, machine: Capabilities) -> str:
    """A line for the log of a run that has failed after `last_words` on stderr; or nothing."""
    if machine.private_devices or _DENIED not in last_words:
        return ""
    return _NO_SHARED_MEMORY if any(each in last_words for each in _OF_SHARED_MEMORY) else ""
