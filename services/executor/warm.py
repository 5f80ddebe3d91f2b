"""The loop of a template: preloads modules and forks runs until its executor is gone."""

import gc
import os
import signal
import socket
import sys
from collections.abc import Set
from types import CodeType
from typing import NoReturn

import msgspec

from libs.linux import syscalls
from services.executor import child, preload, script, view
from services.executor.forker import Born, Forker
from services.executor.messages import (
    Failed,
    Launch,
    Preload,
    Preloaded,
    Prepare,
    Started,
    encode,
)

_TREE = __file__.rsplit("/", 3)[0]
_OURS = {"libs", "services", "msgspec"}


class Run(msgspec.Struct, frozen=True):
    """All that the main process of a run needs to go on alone."""

    launch: Launch
    code: CodeType
    modules: frozenset[str]  # those loaded before it


class Template(Forker):
    """Like a launcher, but its runs go on in the interpreter that they were forked from."""

    def __init__(self, executor: socket.socket, namespaces: bool, plain: Set[str]) -> None:
        super().__init__(executor, namespaces)
        self.become = self._become
        self._plain = plain
        self._environment = dict(os.environ)
        self._found: frozenset[str] = frozenset()
        self.run: Run | None = None

    def preload(self, order: Preload) -> None:
        """Import what does no harm, and leave as little as possible to be copied in each run."""
        refused = preload.load(order.modules)
        self.note()
        gc.collect()
        gc.freeze()
        self.executor.send(encode(Preloaded(refused)))

    def _become(self, prepare: Prepare, control: socket.socket, orders: socket.socket) -> NoReturn:
        try:
            child.settle(prepare)
            loaded = frozenset(sys.modules)
            script.rehearse(self._set_here())
            launch = child.set_up(prepare, orders)
            code = script.load(launch.argv[-1], self._found)
            if isinstance(code, str):
                control.send(encode(Started(code)))
                child.execute(launch)
            control.send(encode(Started()))
        except BaseException as error:
            control.send(encode(Failed(f"{type(error).__name__}: {error}")))
            os._exit(child.NOT_STARTED)
        self.run = Run(launch, code, loaded)
        raise Born

    def note(self) -> None:
        """Which modules a script would find loaded that a new interpreter has not."""
        self._found = frozenset(name.partition(".")[0] for name in sys.modules.keys() - self._plain)

    def _set_here(self) -> dict[str, str]:
        """What the preloaded modules have set in the environment."""
        return {k: v for k, v in os.environ.items() if self._environment.get(k) != v}


def serve(plain: Set[str], namespaces: bool) -> Run:
    """Serve runs; returns in the main process of one, and never in the template itself."""
    for name in [name for name in sys.modules if name.partition(".")[0] in _OURS]:
        del sys.modules[name]  # we have what we need of it; scripts may have their own
    if namespaces:
        view.conceal([f"{_TREE}/libs", f"{_TREE}/services"])
    gc.disable()  # a collection in each run would touch, hence copy, all its memory
    gc.collect()
    gc.freeze()
    os.set_inheritable(child.TEMPLATE_ORDERS, False)
    with socket.socket(fileno=child.TEMPLATE_ORDERS) as executor:
        template = Template(executor, namespaces, plain)
        try:
            template.note()
            syscalls.become_subreaper()
            signal.set_wakeup_fd(-1)
            executor.send(encode(Preloaded()))
            template.serve()
        except Born:
            pass
    if template.run is None:
        os._exit(0)
    return template.run
