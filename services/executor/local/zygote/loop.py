"""The loop of a zygote: preloads modules and forks runs until its executor is gone."""

import gc
import os
import signal
import socket
import sys
from collections.abc import Set
from typing import NoReturn

from libs.linux import landlock, syscalls
from services.executor.local.child import mounts, process_setup
from services.executor.local.child.fork_loop import ForkLoop, UnwindToRun
from services.executor.local.protocol import (
    Failed,
    Preload,
    Preloaded,
    Prepare,
    Started,
    encode,
)
from services.executor.local.zygote import preload, run_script
from services.executor.local.zygote.random_generators import Generators

_TREE = __file__.rsplit("/", 5)[0]


class Zygote(ForkLoop):
    """Like a launcher, but its runs go on in the interpreter that they were forked from."""

    def __init__(self, executor: socket.socket, namespaces: bool, plain: Set[str]) -> None:
        super().__init__(executor, namespaces)
        self.become = self._become
        self._plain = plain
        self._own = dict(os.environ)
        self._codes: preload.Codes = {}
        self._seen = preload.Seen(Generators())
        self._found = self._loaded = frozenset[str]()
        self.run: run_script.Run | None = None
        self.unwound: UnwindToRun | None = None  # with all that it leads out of
        self._note()

    def preload(self, order: Preload) -> None:
        """Import what does no harm, compile, and leave as little as can be to each run."""
        os.environ.update(self._own | dict(os.environ))
        refused = preload.load(order, self._seen)
        self._codes |= preload.compiled(order.scripts)
        self._note()
        self.executor.send(encode(self.ready(refused)))

    def ready(self, refused: dict[str, str]) -> Preloaded:
        """What there is to say to the executor."""
        variables, files = sorted(self._seen.variables), sorted(self._seen.files)
        return Preloaded(refused, sorted(self._found), variables, files)

    def _become(self, prepare: Prepare, control: socket.socket, orders: socket.socket) -> NoReturn:
        try:
            named = process_setup.isolate(prepare)
            self._seen.generators.renew()
            run_script.forget()
            if not process_setup.is_wanted(orders):
                process_setup.rehearse()
                run_script.rehearse(compiling=not self._codes)
            launch = process_setup.receive_launch(prepare, orders, named)
            code = run_script.load(launch.argv[-1], self._codes)
            if isinstance(code, str):
                environment = process_setup.environment_for(launch)
                process_setup.wait(orders)
                control.send(encode(Started(code)))
                process_setup.execute(launch, environment)
            self.run = run_script.Run(launch, code, self._loaded, self)
            run_script.reset_interpreter(self.run)
            process_setup.wait(orders)
            control.send(encode(Started()))
        except BaseException as error:
            control.send(encode(Failed(f"{type(error).__name__}: {error}")))
            os._exit(process_setup.NOT_STARTED)
        raise UnwindToRun

    def _note(self) -> None:
        """What runs start with: here, for in each of them the memory would be copied for it.

        Modules, of which some a script would not find loaded in a new interpreter, and what they
        have set in the environment.
        """
        self._loaded = frozenset(sys.modules)
        self._found = frozenset(name.partition(".")[0] for name in self._loaded - self._plain)
        run_script.set_environment({k: v for k, v in os.environ.items() if self._own.get(k) != v})
        gc.collect()
        gc.freeze()


def serve(plain: Set[str], namespaces: bool) -> None:
    """Serve runs; returns in the main process of one, and never in the zygote itself."""
    for name in sys.modules.keys() - plain:
        if name.partition(".")[0] not in sys.stdlib_module_names:
            del sys.modules[name]  # we have what we need of it; scripts may have their own
    if namespaces:
        mounts.conceal([f"{_TREE}/libs", f"{_TREE}/services"])
    gc.disable()  # a collection in each run would touch, hence copy, all its memory
    os.set_inheritable(process_setup.ZYGOTE_CONTROL, False)
    with socket.socket(fileno=process_setup.ZYGOTE_CONTROL) as executor:
        zygote = Zygote(executor, namespaces, plain)
        try:
            run_script.find_command()
            run_script.make_main()
            run_script.stand_in_for(sys.argv[3] or os.path.join(os.getcwd(), "main.py"))
            run_script.hide_command()
            landlock.version()  # asked once for all
            syscalls.become_subreaper()
            signal.set_wakeup_fd(-1)
            executor.send(encode(zygote.ready({})))
            zygote.serve()
        except UnwindToRun as born:
            zygote.unwound = born
    if zygote.run is None:
        os._exit(0)
