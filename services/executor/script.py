"""Runs a script in a forked interpreter as `python -u main.py` would in a new one.

Sources: CPython's Modules/main.c, Python/pythonrun.c and Python/pylifecycle.c, for what happens
around a script in which order.
"""

import atexit
import contextlib
import ctypes
import gc
import os
import random
import signal
import sys
import time
import weakref
from collections.abc import Iterable
from importlib.machinery import SourceFileLoader
from types import CodeType, ModuleType
from typing import TYPE_CHECKING, Any, NoReturn

from services.executor.messages import Launch

if TYPE_CHECKING:
    from services.executor.preload import Codes
    from services.executor.warm import Run

_NOTHING = "/dev/null"
_NAMES = ("PATH", "HOME", "TMPDIR", "USER", "LOGNAME", "LANG")
_REHEARSAL = "import sys\n\ndef main():\n    print(f'{1}')\n\nif __name__ == '':\n    main()\n"

_run: "Run"
_command_place = 0, 0


def load(path: str, loaded: Iterable[str], codes: "Codes") -> CodeType | str:
    """The compiled script, or the reason why only a new interpreter runs it as it should.

    `loaded` are the modules that a script would find loaded, which a new interpreter has not;
    `codes` are scripts that were compiled before.
    """
    beside = {name.partition(".")[0] for name in os.listdir(os.path.dirname(path))}
    if shadowing := sorted(beside.intersection(loaded)):
        return f"{shadowing[0]}, beside the script, has the name of a module that is loaded"
    try:
        with open(path, "rb") as file:
            source = file.read()
        known = codes.get((path, source))
        return known or compile(source, path, "exec", dont_inherit=True)
    except (OSError, SyntaxError, ValueError, RecursionError, MemoryError, OverflowError) as error:
        return f"it can't be compiled ({type(error).__name__}), which an interpreter tells best"


def set_environment(environment: dict[str, str]) -> None:
    """For the processes forked from here on."""
    os.environ.clear()
    os.environ.update(environment)
    time.tzset()


def find_command() -> None:
    """Where in memory our command lies, for ps to read: arg_start and arg_end of proc(5)."""
    global _command_place  # noqa: PLW0603 - it is where it was in the processes forked from here on
    with open("/proc/self/stat", "rb") as file:
        fields = file.read().rpartition(b")")[2].split()
    _command_place = int(fields[45]), int(fields[46])


def rehearse(compiling: bool) -> None:
    """What `load` and `dress` will do; see child.py."""
    if compiling:
        compile(_REHEARSAL, "main.py", "exec", dont_inherit=True)
    load(_NOTHING, (), {(_NOTHING, b""): rehearse.__code__})
    ours, environment = sys.modules["__main__"], dict(os.environ)
    _look_new(Launch([sys.executable, "-u", _NOTHING], dict.fromkeys(_NAMES, ""), "/"))
    sys.modules["__main__"] = ours
    del sys.path[0]
    set_environment(environment)


def dress(run: "Run") -> None:
    """Make the interpreter look new."""
    global _run  # noqa: PLW0603 - a process runs one script
    _run = run
    _look_new(run.launch)


def _look_new(launch: Launch) -> None:
    path = launch.argv[-1]
    os.environ.update(launch.environment)
    time.tzset()
    sys.argv[:] = [path]
    sys.orig_argv[:] = launch.argv
    sys.path.insert(0, os.path.dirname(path))
    _show_command(launch.argv)
    if logging := sys.modules.get("logging"):
        logging._startTime = time.time()  # type: ignore[attr-defined]
    main = ModuleType("__main__")
    vars(main).update(
        __builtins__=sys.modules["builtins"],
        __annotations__={},
        __file__=path,
        __cached__=None,
        __loader__=SourceFileLoader("__main__", path),
    )
    sys.modules["__main__"] = main


def begin() -> CodeType:
    """What to execute in the module `__main__`, now."""
    os.closerange(3, 1 << 16)
    gc.enable()
    return _run.code


def end(raised: BaseException | None) -> NoReturn:
    """Say what was raised, wait for threads, call what wants to be called at exit, and end."""
    status = _report(raised) if raised else 0
    del raised
    if threading := sys.modules.get("threading"):
        with contextlib.suppress(KeyboardInterrupt):
            threading._shutdown()
    atexit._run_exitfuncs()
    _flush()
    _dismantle()
    _flush()
    if status < 0:
        signal.signal(-status, signal.SIG_DFL)
        os.kill(os.getpid(), -status)
    os._exit(status & 0xFF)


def _report(error: BaseException) -> int:
    """The exit status that it means; negative: a signal to end by."""
    if isinstance(error, SystemExit):
        return _exit_status(error.code)
    trace = error.__traceback__
    error.__traceback__ = trace.tb_next if trace else None  # without our own frame
    sys.last_type, sys.last_value, sys.last_traceback = type(error), error, error.__traceback__
    failed = _show(error)
    if isinstance(failed, SystemExit):
        return _exit_status(failed.code)
    if failed:
        sys.stderr.write("Error in sys.excepthook:\n")
        failed.__traceback__ = failed.__traceback__.tb_next if failed.__traceback__ else None
        sys.__excepthook__(type(failed), failed, failed.__traceback__)
        sys.stderr.write("\nOriginal exception was:\n")
        sys.__excepthook__(type(error), error, error.__traceback__)
    return -signal.SIGINT if isinstance(error, KeyboardInterrupt) else 1


def _show(error: BaseException) -> BaseException | None:
    try:
        sys.excepthook(type(error), error, error.__traceback__)
    except BaseException as failed:
        return failed
    return None


def _exit_status(code: object) -> int:
    if code is None:
        return 0
    if isinstance(code, int):
        return code & 0xFF
    sys.stderr.write(f"{code}\n")
    return 1


def forget() -> None:
    """What the template's modules remember and must not be alike in any two runs."""
    random.seed()
    if numpy_random := sys.modules.get("numpy.random"):
        numpy_random.seed()
    if processes := sys.modules.get("multiprocessing.process"):
        key = processes.AuthenticationString(os.urandom(32))
        processes.current_process()._config["authkey"] = key
    if tempfile := sys.modules.get("tempfile"):
        tempfile.tempdir = None  # type: ignore[attr-defined]


def _dismantle() -> None:
    """Let go of what the script made, that files be written out and finalisers called.

    First of modules that nobody else holds; what is left then is emptied, the newest first.
    """
    sys.last_value = sys.last_traceback = None
    new = [*_newest_first(), "__main__"]
    held = [weakref.ref(sys.modules[name]) for name in new]
    for name in new:
        sys.modules[name] = None  # type: ignore[assignment] # an import fails from here on
    gc.collect()
    for module in held:
        if left := module():
            _clear(vars(left))
            del left
    gc.collect()


def _newest_first() -> list[str]:
    """The modules that the script has loaded.

    They come last, and whoever looks at the names of the others has their memory copied.
    """
    new: list[str] = []
    for name in reversed(sys.modules):
        if name not in _run.modules:
            new.append(name)
        elif len(new) == len(sys.modules) - len(_run.modules):
            break
    return new


def _clear(names: dict[str, Any]) -> None:
    """First what begins with one underscore, then the rest: as an interpreter does it."""
    private = [name for name in names if name[:1] == "_" and name[:2] != "__"]
    for name in [*private, *(name for name in names if name not in private)]:
        if name != "__builtins__":
            names[name] = None


def _flush() -> None:
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError, AttributeError):
            stream.flush()


def _show_command(argv: list[str]) -> None:
    """Write `argv` over our own, as far as there is room."""
    start, stop = _command_place
    if 0 < start < stop:
        command = b"".join(os.fsencode(each) + b"\0" for each in argv)[: stop - start]
        ctypes.memmove(start, command.ljust(stop - start, b"\0"), stop - start)
