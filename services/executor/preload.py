"""Imports modules into a template, those that leave nothing behind which a fork would break, and
compiles scripts.

A thread does not survive a fork, a connection must not be shared by two processes, and what a
module prints belongs into the output of the run that imports it. So each is tried in a process
that ends with the trial.
"""

import importlib
import os
import signal
import warnings
from pathlib import Path
from types import CodeType

from services.executor import trial
from services.executor.messages import Script

_OURS = ("libs", "services")  # could be found here, but not where runs are
_PATIENCE = 60.0  # seconds for an import

Codes = dict[tuple[str, bytes], CodeType]  # by path and source


def load(modules: list[str]) -> dict[str, str]:
    """Import them; returns those that can't be preloaded, each with the reason."""
    refused: dict[str, str] = {}
    for name in modules:
        if name.partition(".")[0] in _OURS:
            refused[name] = "a module of ours has this name"
            continue
        reason = trial.refusal(lambda name=name: _try(name), patience=_PATIENCE)  # type: ignore[misc]
        if reason:
            refused[name] = reason
        else:
            importlib.import_module(name)
    return refused


def compiled(scripts: list[Script]) -> Codes:
    """Those that the compiler has nothing to say about: what it says belongs to each run."""
    return {
        (one.path, one.source): _compiled(one)
        for one in scripts
        if not trial.refusal(lambda one=one: _compiled(one), patience=_PATIENCE)  # type: ignore[misc]
    }


def _compiled(script: Script) -> CodeType:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return compile(script.source, script.path, "exec", dont_inherit=True)


def _try(name: str) -> None:
    output = os.memfd_create("output")
    for stream in (1, 2):
        os.dup2(output, stream)
    before = _possessions()
    importlib.import_module(name)
    if os.lseek(output, 0, os.SEEK_END):
        raise RuntimeError("it prints something when it is imported")
    for what, state in _possessions().items():
        if state != before[what]:
            raise RuntimeError(f"it leaves {what} behind when it is imported")


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
