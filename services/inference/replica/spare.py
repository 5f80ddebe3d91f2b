"""The spare: an interpreter that has all imports done and no model; replicas are forked from it.

It serves nothing itself, and has neither threads nor secrets nor a network. What it forks are the
service's children, which waits for them; a replica lives on when the spare ends. Started as
`python -m services.inference.replica.spare <descriptor of its channel>`.
"""

import contextlib
import gc
import os
import signal
import socket
import sys
from typing import NoReturn

import msgspec

from libs.linux import syscalls
from libs.linux.process_title import show_as
from libs.linux.sibling_fork import fork_as_sibling
from services.inference import plan
from services.inference.replica import isolation

_decode = msgspec.msgpack.Decoder(plan.Order).decode


def main(channel: socket.socket) -> None:
    """Until the service closes its end."""
    syscalls.die_with_parent(signal.SIGKILL)
    # Whoever stops the service may ask all of its processes to end. It still needs replicas then,
    # and ends them itself.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.SIG_IGN)
    os.setsid()
    isolation.close_network()
    from services.inference.replica import process  # imports the runtime, which may call nobody

    show_as(["rondo inference spare"])
    gc.collect()
    gc.freeze()  # a collection in what is forked would copy all of it
    if len(os.listdir("/proc/self/task")) > 1:
        _answer(channel, plan.Spawned(error="an import left a thread behind"))
        return
    limits = isolation.Machine.look()
    _answer(channel, plan.Spawned(about=limits.describe(), own_uids=limits.own_uids))
    while True:
        message, descriptors, _, _ = socket.recv_fds(
            channel, plan.MAX_ORDER_BYTES, plan.MAX_FILES + 2
        )
        if not message:
            return
        try:
            pid = fork_as_sibling()
        except OSError as error:
            _answer(channel, plan.Spawned(error=str(error)))
            continue
        if pid == 0:
            _become(process.become, channel, _decode(message), descriptors)
        for each in descriptors:
            os.close(each)
        _answer(channel, plan.Spawned(pid=pid))


def _become(become: object, channel: socket.socket, order: plan.Order, fds: list[int]) -> NoReturn:
    try:
        channel.close()
        assert callable(become)  # noqa: S101 - for mypy: it was imported late
        become(order, fds)
    except BaseException as error:
        with contextlib.suppress(OSError):  # nobody reads it
            os.write(2, f"{order.kind}: {type(error).__name__}: {error}\n".encode())
        os._exit(1)
    os._exit(0)


def _answer(channel: socket.socket, answer: plan.Spawned) -> None:
    channel.send(plan.encode(answer))


if __name__ == "__main__":
    main(socket.socket(fileno=int(sys.argv[1])))
