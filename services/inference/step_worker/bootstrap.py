"""Begins a worker in the interpreter of an environment, where nothing of ours is installed.

Started as `python -I -S bootstrap.py <connection> <file> <folder>`, with two descriptors: what
packages have in .pth files is run once no other program can be. The few modules that it needs
import nothing but the standard library, numpy and each other; afterwards their names are the
step's.
"""

import os
import site
import socket
import sys
from pathlib import Path
from types import ModuleType

_HERE = Path(__file__).resolve().parent
_ROOT = _HERE.parents[2]
_PACKAGES = {
    "libs": None,
    "libs.linux": _ROOT / "libs" / "linux",
    "services": None,
    "services.inference": None,
    "services.inference.step_worker": _HERE,
}


def _provide() -> None:
    for name, folder in _PACKAGES.items():
        module = ModuleType(name)
        module.__path__ = [str(folder)] if folder else []
        sys.modules[name] = module


def _forget() -> None:
    for name in [each for each in sys.modules if each.partition(".")[0] in ("libs", "services")]:
        del sys.modules[name]


def main(connection: int, file: int, folder: str) -> None:
    _provide()
    from services.inference.step_worker import programs

    programs.close()
    site.main()
    try:
        import numpy as np
    except Exception as error:
        sys.exit(f"its environment has no numpy that can be imported ({error}); require numpy")
    del np
    from services.inference.step_worker import serve

    _forget()
    with socket.socket(fileno=connection) as opened:
        serve.main(opened, file, Path(folder))
    os._exit(0)  # whatever threads it has


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3])
