"""Has a script find a forked interpreter as `python -u main.py` finds a new one.

Sources: CPython's Modules/main.c and Python/pythonrun.c. For its end see finalize.py.
"""

import ctypes
import gc
import os
import sys
import time
from importlib.machinery import SourceFileLoader
from types import CodeType, ModuleType
from typing import TYPE_CHECKING

import msgspec

from services.executor.local.child import stop_request
from services.executor.local.protocol import Launch

if TYPE_CHECKING:
    from services.executor.local.zygote.preload import Codes

_NOTHING = "/dev/null"
_NAMES = ("PATH", "HOME", "TMPDIR", "USER", "LOGNAME", "LANG")
_REHEARSAL = "import sys\n\ndef main():\n    print(f'{1}')\n\nif __name__ == '':\n    main()\n"


class Run(msgspec.Struct, frozen=True):
    """All that the main process of a run needs to go on alone."""

    launch: Launch
    code: CodeType
    modules: frozenset[str]  # those loaded before it
    zygote: object  # what is freed has its memory copied first, and is not worth that


_run: Run
_stands_in_for = ""  # where packages have seen the script
_command_place = 0, 0


def load(path: str, codes: "Codes") -> CodeType | str:
    """The compiled script, or the reason why only a new interpreter runs it as it should.

    `codes` are scripts that were compiled before.
    """
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


def make_main() -> None:
    """The module that scripts are executed in. Packages may keep it when they are imported, by
    whatever name (multiprocessing does), so it is there before them.

    It stays empty: what is in it is not looked for cycles in the runs, as the heap is frozen.
    """
    sys.modules["__main__"] = ModuleType("__main__")


def stand_in_for(path: str) -> None:
    """As if the script at `path` were importing: what packages look at is as in a run."""
    global _stands_in_for  # noqa: PLW0603 - it is there in the processes forked from here on
    folder = os.path.dirname(path)
    os.makedirs(folder, exist_ok=True)
    os.chdir(folder)
    sys.argv[:] = [path]
    sys.path.insert(0, folder)
    vars(sys.modules["__main__"])["__file__"] = path
    _stands_in_for = path


def find_command() -> None:
    """Where in memory our command lies, for ps to read: arg_start and arg_end of proc(5)."""
    global _command_place  # noqa: PLW0603 - it is where it was in the processes forked from here on
    with open("/proc/self/stat", "rb") as file:
        fields = file.read().rpartition(b")")[2].split()
    _command_place = int(fields[45]), int(fields[46])


def hide_command() -> None:
    """Who looks for the processes of a script by its name finds its runs, and not what waits for
    them: this process was told where the script will lie, by its command."""
    _show_command([sys.executable, "-u", "template.py"])


def rehearse(compiling: bool) -> None:
    """What `load` and `reset_interpreter` will do; see process_setup.py."""
    if compiling:
        compile(_REHEARSAL, "main.py", "exec", dont_inherit=True)
    load(_NOTHING, {(_NOTHING, b""): rehearse.__code__})
    environment, path, arguments = dict(os.environ), sys.path[:], sys.argv[:]
    _look_new(Launch([sys.executable, "-u", _NOTHING], dict.fromkeys(_NAMES, ""), "/"))
    sys.path[:], sys.argv[:] = path, arguments
    set_environment(environment)


def reset_interpreter(run: Run) -> None:
    """Make the interpreter look new."""
    global _run  # noqa: PLW0603 - a process runs one script
    _run = run
    _look_new(run.launch)
    stop_request.listen()


def _look_new(launch: Launch) -> None:
    path = launch.argv[-1]
    os.environ.update(launch.environment)
    time.tzset()
    folder, posed = os.path.dirname(path), os.path.dirname(_stands_in_for)
    # Packages may have put something beside it.
    sys.argv[:] = [path if each == _stands_in_for else each for each in sys.argv]
    sys.path[:] = [folder if each == posed else each for each in sys.path]
    sys.path_importer_cache.pop(folder, None)
    sys.orig_argv[:] = launch.argv
    _show_command(launch.argv)
    if logging := sys.modules.get("logging"):
        logging._startTime = time.time()  # type: ignore[attr-defined]
    vars(sys.modules["__main__"]).update(
        __builtins__=sys.modules["builtins"],
        __annotations__={},
        __file__=path,
        __cached__=None,
        __loader__=SourceFileLoader("__main__", path),
    )


def begin() -> CodeType:
    """What to execute in the module `__main__`, now."""
    os.closerange(3, 1 << 16)
    gc.enable()
    return _run.code


def loaded() -> frozenset[str]:
    """The names of the modules that were there before the script."""
    return _run.modules


def forget() -> None:
    """What the zygote's modules remember and must not be alike in any two runs."""
    if processes := sys.modules.get("multiprocessing.process"):
        key = processes.AuthenticationString(os.urandom(32))
        processes.current_process()._config["authkey"] = key
    if tempfile := sys.modules.get("tempfile"):
        tempfile.tempdir = None  # type: ignore[attr-defined]
    if uuid := sys.modules.get("uuid"):
        uuid._node = uuid._last_timestamp = None  # type: ignore[attr-defined]


def _show_command(argv: list[str]) -> None:
    """Write `argv` over our own, as far as there is room."""
    start, stop = _command_place
    if 0 < start < stop:
        command = b"".join(os.fsencode(each) + b"\0" for each in argv)[: stop - start]
        ctypes.memmove(start, command.ljust(stop - start, b"\0"), stop - start)
