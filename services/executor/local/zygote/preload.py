"""Imports modules into a zygote, those that leave nothing behind which a fork would break, and
compiles scripts.

A thread does not survive a fork, a connection must not be shared by two processes, and what a
module prints belongs into the output of the run that imports it. So each is tried in a process
that ends with the trial.
"""

import builtins
import gc
import os
import signal
import warnings
from pathlib import Path
from types import CodeType

import msgspec

from services.executor.local.child import probe
from services.executor.local.protocol import Preload, Script, encode
from services.executor.local.zygote.import_watch import Looks
from services.executor.local.zygote.random_generators import Generators

_OURS = ("libs", "services")  # could be found here, but not where runs are
_IMPORT_TIMEOUT_SECONDS = 60.0

Codes = dict[tuple[str, bytes], CodeType]  # by path and source


class Seen(msgspec.Struct):
    """What imports did that runs have to know of."""

    generators: Generators
    variables: set[str] = set()
    files: set[str] = set()


class _Trial(msgspec.Struct):
    """What a trial found out."""

    states: bytes
    variables: set[str]
    files: set[str]


def load(order: Preload, seen: Seen) -> dict[str, str]:
    """Import what it names; returns the statements that can't be preloaded, each with the reason.

    What is imported is frozen. What is refused may steer what comes after it, so that is left to
    the runs as well.
    """
    refused = {each: reason for each in order.neutral if (reason := _refusal(each, seen))}
    for each in order.imports:
        if reason := _refusal(each, seen):
            return refused | {each: reason}
    return refused


def _refusal(statement: str, seen: Seen) -> str:
    """Why it can't be carried out here; empty if it now has been."""
    if statement.split()[1].partition(".")[0] in _OURS:
        return "a module of ours has this name"
    with open(os.memfd_create("tried"), "w+b", buffering=0) as file:
        reason = probe.refusal(
            lambda: file.write(encode(_try(statement, seen.generators))),
            timeout=_IMPORT_TIMEOUT_SECONDS,
        )
        file.seek(0)
        trial = file.read()
    if not reason:
        tried = msgspec.json.decode(trial, type=_Trial)
        _import(statement)
        seen.generators.compare(tried.states)
        seen.variables |= tried.variables
        seen.files |= tried.files
        gc.collect()
        gc.freeze()
    return reason


def _import(statement: str) -> None:
    """As the script would: what it warns of, it is told as one."""
    exec(statement, {"__name__": "__main__", "__builtins__": builtins})  # noqa: S102 - the point


def compiled(scripts: list[Script]) -> Codes:
    """Those that the compiler has nothing to say about: what it says belongs to each run."""
    return {
        (one.path, one.source): _compiled(one)
        for one in scripts
        if not probe.refusal(lambda one=one: _compiled(one), timeout=_IMPORT_TIMEOUT_SECONDS)  # type: ignore[misc]
    }


def _compiled(script: Script) -> CodeType:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return compile(script.source, script.path, "exec", dont_inherit=True)


def _try(statement: str, generators: Generators) -> _Trial:
    generators.renew()
    output = os.memfd_create("output")
    for stream in (1, 2):
        os.dup2(output, stream)
    before, looks = _possessions(), Looks()
    looks.begin()
    _import(statement)
    if os.lseek(output, 0, os.SEEK_END):
        raise RuntimeError("it prints something when it is imported")
    for what, state in _possessions().items():
        if state != before[what]:
            raise RuntimeError(f"it leaves {what} behind when it is imported")
    return _Trial(generators.states(), looks.variables, looks.files)


def _possessions() -> dict[str, object]:
    """What a process has that a fork would share, lose or inherit."""
    handlers = [signal.getsignal(each) for each in signal.valid_signals()]
    children = Path(f"/proc/self/task/{os.listdir('/proc/self/task')[0]}/children").read_text()
    return {
        "threads": len(os.listdir("/proc/self/task")),
        "open files": os.listdir("/proc/self/fd"),
        "signal handlers": handlers,
        "blocked signals": signal.pthread_sigmask(signal.SIG_BLOCK, ()),
        "processes": children,
        "another working directory": os.getcwd(),
    }
