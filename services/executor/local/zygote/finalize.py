"""Ends a forked run as CPython's Py_RunMain and Py_FinalizeEx end a program.

Sources: Modules/main.c, Python/pythonrun.c and Python/pylifecycle.c, for what is done in which
order, and for what exit status.
"""

import atexit
import contextlib
import ctypes
import gc
import os
import signal
import sys
import weakref
from collections.abc import Set
from types import ModuleType
from typing import Any, NoReturn

_NOT_FLUSHED = 120  # Py_RunMain's status for it, whatever else was
_MAIN = ("__mp_main__", "__main__")  # which the script is, by whatever name packages know it
_LONG_BITS = 8 * ctypes.sizeof(ctypes.c_long)


def end(raised: BaseException | None, loaded: Set[str]) -> NoReturn:
    """Say what was raised, wait for threads, call what wants to be called at exit, and end.

    `loaded` are the modules that were there before the script.
    """
    status = _report(raised) if raised else 0
    del raised
    if threading := sys.modules.get("threading"):
        try:
            threading._shutdown()
        except BaseException as error:
            _ignore(error, threading)
    atexit._run_exitfuncs()
    flushed = _flush()
    if gc.isenabled():
        gc.collect()  # whose finalisers find all there still
    _dismantle(loaded)
    flushed = _flush() and flushed
    _collect_in_silence()
    if status < 0:
        signal.signal(-status, signal.SIG_DFL)
        os.kill(os.getpid(), -status)
    os._exit(status & 0xFF if flushed else _NOT_FLUSHED)


def _report(error: BaseException) -> int:
    """The exit status that it means; negative: a signal to end by."""
    if isinstance(error, SystemExit):
        return _exit_status(error)
    trace = error.__traceback__
    error.__traceback__ = trace.tb_next if trace else None  # without our own frame
    sys.last_type, sys.last_value, sys.last_traceback = type(error), error, error.__traceback__
    if sys.version_info >= (3, 12):
        sys.last_exc = error
    failed = _show(error)
    if isinstance(failed, SystemExit):
        return _exit_status(failed)
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


def _exit_status(error: SystemExit) -> int:
    """As handle_system_exit: a number is taken as a C long, -1 if it does not fit into one."""
    try:
        code = error.code
    except BaseException:
        code = error  # type: ignore[assignment] # it is printed in place of what it won't give
    if code is None:
        return 0
    if isinstance(code, int):
        fits = int.bit_length(int(code)) < _LONG_BITS or int(code) == -(1 << _LONG_BITS - 1)
        return int.__and__(code, 0xFF) if fits else 0xFF
    with contextlib.suppress(BaseException):
        _write(str(code), nowhere=sys.stderr is None)
    try:
        _write("\n", nowhere=sys.stderr is None)
    except BaseException:
        _write("\n", nowhere=True)
    return 1


def _write(text: str, nowhere: bool) -> None:
    if nowhere:
        os.write(2, text.encode(errors="backslashreplace"))
    else:
        sys.stderr.write(text)


def _flush() -> bool:
    """Whether it went well; only standard output's failure is worth a word to CPython."""
    well = True
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name, None)
        try:
            if stream is not None and not _closed(stream):
                stream.flush()
        except BaseException as error:
            well = False
            if name == "stdout":
                _ignore(error, stream)
    return well


def _closed(stream: Any) -> bool:
    try:
        return bool(stream.closed)
    except BaseException:
        return False


def _ignore(error: BaseException, source: object) -> None:
    """Tell of it as of one that can't be raised."""
    error.__traceback__ = error.__traceback__.tb_next if error.__traceback__ else None
    hook = sys.unraisablehook
    kinds: list[Any] = []  # of what hooks are called with, which has no name
    sys.unraisablehook = lambda given: kinds.append(type(given))
    provoked = _Provocation()
    watch = weakref.ref(provoked, lambda _: 1 / 0)
    del provoked, watch
    sys.unraisablehook = hook
    with contextlib.suppress(BaseException):
        hook(kinds[0]((type(error), error, error.__traceback__, None, source)))


class _Provocation:
    """Can be referred to weakly."""


def _dismantle(loaded: Set[str]) -> None:
    """Let go of what the script made, that files be written out and finalisers called.

    First of modules that nobody else holds; what is left then is emptied, the newest first.
    """
    sys.last_value = sys.last_traceback = None
    if sys.version_info >= (3, 12):
        sys.last_exc = None
    sys.stdin, sys.stdout, sys.stderr = sys.__stdin__, sys.__stdout__, sys.__stderr__
    new = [*_newest_first(loaded), *(name for name in _MAIN if name in sys.modules)]
    held = [weakref.ref(sys.modules[name]) for name in new if _is_module(name)]
    for name in (*new, "io"):  # without which no traceback shows its source
        sys.modules[name] = None  # type: ignore[assignment] # an import fails from here on
    gc.collect()
    for module in held:
        if left := module():
            _clear(vars(left))
            del left


def _collect_in_silence() -> None:
    """What is found only now finds no streams: they are gone with the modules."""
    sys.stdin = sys.stdout = sys.stderr = None
    gc.collect()


def _is_module(name: str) -> bool:
    return isinstance(sys.modules[name], ModuleType)  # scripts put there what they like


def _newest_first(loaded: Set[str]) -> list[str]:
    """The modules that the script has loaded.

    They come last, and whoever looks at the names of the others has their memory copied.
    """
    new: list[str] = []
    for name in reversed(sys.modules):
        if name not in loaded:
            new.append(name)
        elif len(new) == len(sys.modules) - len(loaded):
            break
    return new


def _clear(names: dict[str, Any]) -> None:
    """First what begins with one underscore, then the rest: as an interpreter does it."""
    private = [name for name in names if name[:1] == "_" and name[:2] != "__"]
    for name in [*private, *(name for name in names if name not in private)]:
        if name != "__builtins__":
            names[name] = None
