"""What a zygote may do, which is as little as setting up runs takes.

A zygote imports packages that users choose, so nothing that it could do with its rights may harm
anybody but the runs of its own environment, which import the same packages. So it is no root, even
if the executor is: it has a uid of its own, which owns nothing. The right to mount, to change the
uid and to make process tables it has over namespaces of its own alone: in a user namespace, where
no uids exist but its own and those of runs; below a file system view of its own, where no files of
runs exist but of its own; in its own pid namespace. There is no way to have these rights and be
confined by Landlock as well, which forbids all mounting; its runs are. Without namespaces it has
no right that a run has not, and is confined by Landlock to the folders of its runs.
"""

import os
import signal

from libs.linux import capability, namespace, syscalls
from services.executor.local.protocol import ZygotePrivileges

_NEEDED = (
    capability.DAC_OVERRIDE,  # the folders of runs, each of which is for a uid of its own
    capability.KILL,  # them
    capability.SETGID,
    capability.SETUID,
    capability.SETPCAP,  # to take from them for ever what they do not need
    capability.SYS_CHROOT,
    capability.SYS_ADMIN,  # their mounts and pid namespaces
)


def zygote_uid(first: int) -> int:
    """Whom zygotes run as where runs have uids of their own, from `first` on."""
    return first - 2  # the one in between is the packager's


def keep(privileges: ZygotePrivileges, uid: int | None) -> None:
    """Go on as `uid` with the rights that a zygote needs. Raises OSError if we can't have them.

    We are process 1 of a new pid namespace then; who called waits outside and dies with us.
    """
    if privileges.count and uid is not None:
        uids = range(privileges.first_uid, privileges.first_uid + privileges.count)
        namespace.become_capable_over(uids, uid)
    else:
        namespace.become_capable()
    syscalls.unshare(namespace.CLONE_NEWPID)
    if first := os.fork():
        _end_like(first)
    if uid is not None:
        os.setgroups([])
        os.setresgid(uid, uid, uid)
        os.setresuid(uid, uid, uid)
    capability.keep(_NEEDED)


def _end_like(first: int) -> None:
    """Nothing of us but our end, which takes `first` with it, is of use from here on."""
    os.closerange(0, 64)
    _, status = os.waitpid(first, 0)
    code = os.waitstatus_to_exitcode(status)
    os._exit(code if code >= 0 else 128 + signal.Signals(-code).value)
