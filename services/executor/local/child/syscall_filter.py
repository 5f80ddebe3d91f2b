"""System calls that runs do not get. See docs/adr/0019-what-runs-share-with-the-kernel.md.

Two filters. One is put on by the launcher, so that all below it have it and no run has to wait for
it: what neither runs nor those who set them up ever call. One keeps runs from making user
namespaces, which who sets them up needs: put on by a zygote once, and by each new interpreter.
"""

import contextlib
import errno
import functools

from libs.linux import syscalls
from libs.linux.seccomp import Filter, Steps, allow, ask, if_bit, if_equal, number, refuse

_UNIX, _INET, _INET6, _NETLINK = 1, 2, 10, 16
_ICMP, _TCP, _UDP, _ICMP6, _UDP_LITE = 1, 6, 17, 58, 136
_SHIM_PID = 1  # its pid for a run: the first of the run's process table

KEYRINGS = [number(248, 217), number(249, 218), number(250, 219)]  # add_key, request_key, keyctl
IO_URING = [425, 426, 427]  # its calls pass by filters
# bpf, perf_event_open, userfaultfd, fanotify_init
OTHERS = [number(321, 280), number(298, 241), number(323, 282), number(300, 262)]
# mq_open, mq_unlink. Landlock knows no such files and would refuse them less clearly.
POSIX_QUEUES = [number(240, 180), number(241, 181)]
# Shared memory, semaphores and queues of System V.
_SYSTEM_V = [(29, 194), (30, 196), (31, 195), (64, 190), (65, 193), (66, 191), (220, 192)]
_SYSTEM_V += [(68, 186), (69, 189), (70, 188), (71, 187)]
_BIND, _SOCKET, _SET_OPTION = number(49, 200), number(41, 198), number(54, 208)
_LOCAL_PORT_RANGE = 51  # of IPPROTO_IP, which is 0
_UNSHARE, _CLONE, _CLONE3 = number(272, 97), number(56, 220), 435
# prlimit64, sched_setscheduler, sched_setparam, sched_setattr, sched_setaffinity: of which process
_OF_PROCESS = [(302, 261), (144, 119), (142, 118), (314, 274), (203, 122)]
_NO_FILTERS = (errno.ENOSYS, errno.EINVAL, errno.EACCES, errno.EPERM)
_SET_PRIORITY, _SET_IO_PRIORITY = number(141, 140), number(251, 30)


def close_to_all(namespaces: bool, apart: bool) -> int:
    """For the launcher and all below it. `namespaces`: each run has its own; `apart`: or at least a
    uid of its own.

    Returns the descriptor on which binds of sockets are asked for, 0 if somebody above us has such
    a one already. Raises OSError if it can't be.
    """
    gone = [*KEYRINGS, *IO_URING, *OTHERS, *POSIX_QUEUES]
    gone += [] if namespaces else [number(*each) for each in _SYSTEM_V]
    rules = dict.fromkeys(gone, refuse(errno.ENOSYS))
    rules |= {number(*each): _own(0, apart) for each in _OF_PROCESS}
    rules |= {each: _own(1, apart) for each in (_SET_PRIORITY, _SET_IO_PRIORITY)}
    rules |= {_SOCKET: _sockets(), _SET_OPTION: _options()}
    try:
        return Filter(rules | {_BIND: ask}).put_on()
    except OSError as error:
        if error.errno != errno.EBUSY:
            raise
    return Filter(rules).put_on()


def close_to_runs() -> None:
    """User namespaces, in which a run would have all rights over what it makes there.

    Libc asks for clone3 first, whose flags a filter can't see, and does without. Nothing happens
    where the launcher has found that there are no filters. Raises OSError.
    """
    try:
        _without_user_namespaces().put_on()
    except OSError as error:
        if error.errno not in _NO_FILTERS:
            raise


@functools.cache
def _without_user_namespaces() -> Filter:
    flags = if_bit(0, syscalls.CLONE_NEWUSER, refuse(errno.EPERM), allow)
    return Filter({_UNSHARE: flags, _CLONE: flags, _CLONE3: refuse(errno.ENOSYS)})


def make_ready() -> None:
    """For all that is forked from here. Does nothing where there are no filters."""
    with contextlib.suppress(OSError):
        _without_user_namespaces()


def _own(argument: int, apart: bool) -> Steps:
    """Not another process of the uid: its shim, or where others' have the uid too, any at all."""
    no = refuse(errno.EPERM)
    if apart:
        return if_equal(argument, [_SHIM_PID], no, allow)
    return if_equal(argument, [0], allow, no)


def _options() -> Steps:
    """Not which port the kernel gives when it may choose: `net.ipv4.ip_local_port_range`, where
    somebody has set it so, includes those of the platform."""
    inner = if_equal(2, [_LOCAL_PORT_RANGE], refuse(errno.ENOPROTOOPT), allow)
    return [*if_equal(1, [], allow, []), (0x15, 0, len(inner), 0), *inner, *allow]


def _sockets() -> Steps:
    """Those whose addresses Landlock or a filter can see, and what names of machines need.

    MPTCP and SMC serve callers of TCP on a port, but their binds are no binds of TCP for Landlock.
    """
    inner = if_equal(
        2, [0, _TCP, _UDP, _ICMP, _ICMP6, _UDP_LITE], allow, refuse(errno.EPROTONOSUPPORT)
    )
    local = if_equal(0, [_UNIX, _NETLINK], allow, [])
    internet = [(0x15, 1, 0, _INET), (0x15, 0, len(inner), _INET6)]
    return [*local, *internet, *inner, *refuse(errno.EAFNOSUPPORT)]
