"""What a new interpreter does before its script: listen for being asked to end (stop_request.py).

Python imports a module `sitecustomize` at its start, if there is one. Ours comes in a ZIP that is
in memory only and that PYTHONPATH names; its first act is to take itself out of there, and to let
the environment have its own. Neither the script nor a process that it starts finds more than the
name.
"""

import os
import signal
import struct
import zlib
from collections.abc import Mapping

from services.executor.local.child import stop_request

MEMORY = "rondo"  # the name of that memory
_PLACE = "/proc/self/fd"
_SOURCE = f"""
import _signal, os, sys, zipimport

def {stop_request.ASKED}(number, frame):
    raise SystemExit({stop_request.STATUS})

{stop_request.ASKED}.__code__ = {stop_request.ASKED}.__code__.replace(co_filename="<rondo>")

def _listen():
    _signal.signal({stop_request.SIGNAL}, {stop_request.ASKED})
    _signal.pthread_sigmask(_signal.SIG_UNBLOCK, [_signal.SIGTERM])
    place = __file__.rpartition("/")[0]
    ours = sys.modules.pop("sitecustomize")
    sys.path.remove(place)
    sys.path_importer_cache.pop(place, None)
    zipimport._zip_directory_cache.pop(place, None)
    os.close(int(place.rpartition("/")[2]))
    os.environ.pop("PYTHONPATH", None)
    if "RONDO_PYTHONPATH" in os.environ:
        os.environ["PYTHONPATH"] = os.environ.pop("RONDO_PYTHONPATH")
    try:
        import sitecustomize
    except ImportError as error:
        if error.name != "sitecustomize":
            raise
        sys.modules["sitecustomize"] = ours

_listen()
"""


def environment(given: Mapping[str, str]) -> dict[str, str]:
    """`given` with our module, for an interpreter that takes our place by exec.

    Opens a descriptor, which the interpreter closes, and blocks SIGTERM, which it lets through once
    it listens: till then it is asked to end by that, and not by what would interrupt its start with
    a traceback. Without memory files it is as it was.
    """
    try:
        memory = os.memfd_create(MEMORY, 0)
    except OSError:
        return dict(given)
    os.write(memory, _ZIP)
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])
    place = f"{_PLACE}/{memory}"
    if theirs := given.get("PYTHONPATH"):
        return {**given, "PYTHONPATH": f"{place}:{theirs}", "RONDO_PYTHONPATH": theirs}
    return {**given, "PYTHONPATH": place}


def _zipped(name: bytes, content: bytes) -> bytes:
    """One file, stored: APPNOTE.TXT of PKWARE, 4.3. The launcher is not to grow by a library."""
    sizes = struct.pack("<HH3L", 0, 0x21, zlib.crc32(content), len(content), len(content))
    local = struct.pack("<4s3H", b"PK\3\4", 20, 0, 0) + sizes + struct.pack("<HH", len(name), 0)
    entry = struct.pack("<4s4H", b"PK\1\2", 20, 20, 0, 0) + sizes
    entry += struct.pack("<5H2L", len(name), 0, 0, 0, 0, 0, 0) + name
    before = local + name + content
    end = struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, 1, 1, len(entry), len(before), 0)
    return before + entry + end


_ZIP = _zipped(b"sitecustomize.py", _SOURCE.encode())
