"""The log of one child: what it writes to stdout and stderr, the last of it, and the log before."""

import contextlib
import os
import re
import shutil
from pathlib import Path
from typing import IO

_LIMIT = 10 << 20  # bytes; a larger log is set aside
_LOOKED_AT = 1 << 16  # bytes from its end
# What faulthandler says of the thread that got the signal, which is the main one.
_PLACE = re.compile(r'^Current thread .*\n  File "(.*)", line (\d+) in .*$', re.MULTILINE)


class LogFile:
    """At `path`; the one before it is `<path>.1`."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._before = path.with_name(path.name + ".1")
        self._since = 0  # where what the child of now has written begins

    def open(self) -> IO[bytes]:
        """To append to, private to us, for a child that begins now."""
        if self._path.exists() and self._path.stat().st_size > _LIMIT:
            self._path.replace(self._before)
        handle = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        log = os.fdopen(handle, "ab")
        self._since = log.tell()
        return log

    def cut(self) -> None:
        """Sets it aside once it is too large. Its writers go on with the empty one: they append, so
        what is cut through is a line at most."""
        with contextlib.suppress(OSError):
            if self._path.stat().st_size <= _LIMIT:
                return
            try:
                shutil.copyfile(self._path, self._before)
                self._before.chmod(0o600)
            finally:  # also on a full disk, and there most of all
                os.truncate(self._path, 0)
                self._since = 0

    def last(self) -> list[str]:
        """The last lines that the child has written."""
        with self._path.open("rb") as log:
            log.seek(max(self._since, log.seek(0, os.SEEK_END) - _LOOKED_AT))
            return log.read().decode(errors="replace").splitlines()

    def place(self) -> str:
        """Where its main thread was when it was ended, `file:line`; empty if it doesn't say."""
        found = _PLACE.findall("\n".join(self.last()))
        return ":".join(found[-1]) if found else ""
