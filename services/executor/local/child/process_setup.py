"""Between fork and exec: how a forked process becomes a user's program, step by step.

First all that can be done before it is known which program that is; nearly all of the rest when its
Launch comes. Then it waits to be told that the program may begin.
"""

import os
import signal
import socket
from collections.abc import Mapping
from pathlib import Path
from typing import NoReturn

from libs.linux import capability, landlock, syscalls
from libs.linux.cgroup import Group
from services.executor.local.child import (
    accounts,
    interpreter_start,
    mounts,
    rlimits,
    syscall_filter,
    zygote_privileges,
)
from services.executor.local.protocol import (
    MAX_MESSAGE_BYTES,
    START,
    Failed,
    Launch,
    Prepare,
    Started,
    encode,
    launch_decoder,
    receive,
)

_RESETTABLE = signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP}

NOT_STARTED = 126
ZYGOTE_CONTROL = 3  # the descriptor of a zygote on which it is told what to do


def become(prepare: Prepare, control: socket.socket, launch_socket: socket.socket) -> NoReturn:
    """Turn the calling process into the run's program. Says on `control` how that went."""
    try:
        launch = receive_launch(prepare, launch_socket, isolate(prepare))
        syscall_filter.close_to_runs()  # a zygote too, whose runs inherit it
        environment = environment_for(launch)
        wait(launch_socket)
        control.send(encode(Started()))
        execute(launch, environment)
    except BaseException as error:
        control.send(encode(Failed(f"{type(error).__name__}: {error}")))
    os._exit(NOT_STARTED)


def isolate(prepare: Prepare) -> list[int]:
    """What is alike for all runs: session, view, the rules of Landlock. Raises OSError.

    Returns what `receive_launch` is to write the run's name to.
    """
    os.setsid()
    if prepare.group:
        Group(Path(prepare.group)).join()
    named = mounts.enter(prepare.mounts) if prepare.mounts else []
    rlimits.apply(prepare.limits)
    os.umask(0o077)
    syscalls.no_new_privileges()
    if not prepare.privileges:  # it would forbid all mounting
        landlock.restrict(prepare.readable, prepare.writable, prepare.listable)
    return named


def receive_launch(prepare: Prepare, launch_socket: socket.socket, named: list[int]) -> Launch:
    """Wait for what to become, and give the calling process all that this has. Raises OSError."""
    message, streams, _, _ = socket.recv_fds(launch_socket, MAX_MESSAGE_BYTES, 3)
    if not message:
        os._exit(NOT_STARTED)  # nobody needs us
    launch = launch_decoder.decode(message)
    _name(named, launch.uid)
    _connect(*streams)
    if prepare.privileges:
        zygote_privileges.keep(prepare.privileges, launch.uid)
    elif launch.uid is not None:
        drop_to(launch.uid)
    elif os.geteuid() == 0:
        capability.renounce()
    os.chdir(launch.directory)
    syscalls.die_with_parent(signal.SIGKILL)  # not before the change of uid, which clears it
    rlimits.apply_last(prepare.limits, own_uid=launch.uid is not None)
    if not prepare.privileges:
        capability.drop()
    return launch


def is_wanted(launch_socket: socket.socket) -> bool:
    """Whether the Launch has come already. By nothing that a package could have replaced: it would
    keep all runs of its environment from starting."""
    try:
        launch_socket.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT)
    except BlockingIOError:
        return False
    return True


def rehearse() -> None:
    """Do what `receive_launch` will do, as far as that does no harm.

    The pages that it writes to are copied now, and not when somebody waits for it.
    """
    launch_decoder.decode(encode(Launch(["", "", ""], {"": ""}, "/")))
    os.close(os.open(os.devnull, os.O_RDONLY))
    os.chdir("/")
    capability.held()


def wait(launch_socket: socket.socket) -> None:
    """Until the program may begin; ends the process if it never may."""
    if receive(launch_socket) != START:
        os._exit(NOT_STARTED)


def environment_for(launch: Launch) -> dict[str, str]:
    """The variables of a new interpreter.

    To be called before Started is sent, since script_start.py looks then.
    """
    return (
        launch.environment if launch.zygote else interpreter_start.environment(launch.environment)
    )


def execute(launch: Launch, environment: Mapping[str, str]) -> NoReturn:
    """The program instead of us, in a new interpreter.

    All other descriptors close with that. A handler is forgotten, an ignored signal would not be.
    """
    ignored = [each for each in _RESETTABLE if signal.getsignal(each) is signal.SIG_IGN]
    for number in (signal.SIGINT, signal.SIGTERM, *ignored):  # nohup ignores one, `&` two
        signal.signal(number, signal.SIG_DFL)
    os.execve(launch.argv[0], launch.argv, environment)  # noqa: S606 - the point


def _connect(stdout: int, stderr: int, orders: int | None = None) -> None:
    """Own streams. A zygote gets its orders on 3."""
    given = [os.open(os.devnull, os.O_RDONLY), stdout, stderr]
    given += [orders] if orders is not None else []
    for target, descriptor in enumerate(given):
        os.set_inheritable(descriptor, False)  # received ones are: no run may keep a second one
        os.dup2(descriptor, target)
    os.set_inheritable(len(given) - 1, True)  # dup2 does nothing if it was 3 already


def _name(named: list[int], uid: int | None) -> None:
    if uid is None:
        accounts.write(named, os.geteuid(), os.getegid())
    else:
        accounts.write(named, uid, uid)


def drop_to(uid: int) -> None:
    """Be `uid`, with the group of the same number and no other, for good."""
    os.setgroups([])
    os.setresgid(uid, uid, uid)
    os.setresuid(uid, uid, uid)
