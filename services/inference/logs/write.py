"""Writing inferences down before they are answered: one write(2) each, to a write-ahead file.

What was written outlives a kill of any process, since the kernel has it. What a power cut may cost
is what came after the last fsync, `sync_seconds` ago at most; with 0 each append waits for its own.
A file has one writer, which holds a lock on it (flock) for as long as it may grow: whoever gets the
lock may take the file away (seal.py).
"""

import errno
import fcntl
import logging
import os
import secrets
import threading
import time
from collections.abc import Sequence
from pathlib import Path

import msgspec

from libs.domain.errors import Rejected, Unavailable
from libs.service.disk_reserve import DiskReserve
from services.inference.logs.frames import MARK, MAX_LENGTH, SUFFIX, header
from services.inference.record import RecordHead

logger = logging.getLogger(__name__)

MAX_FILE_BYTES = 32 << 20
MAX_AGE_SECONDS = 3600.0  # of a file, until it can be sealed
_RANDOM_BITS = 12
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


class _File:
    """One write-ahead file, which its maker may append to. All raise OSError."""

    def __init__(self, folder: Path) -> None:
        self.made_at = time.monotonic()
        self.size = 0
        self._named = False  # durably
        self.path, self._descriptor = _open_locked(folder)
        try:
            self.append([MARK], durable=False)
        except OSError:
            self.path.unlink()
            self.close()
            raise

    def append(self, parts: Sequence[bytes | memoryview], durable: bool) -> None:
        """All of it, or nothing."""
        size = sum(map(len, parts))
        try:
            written = os.writev(self._descriptor, parts)
            if written < size:  # a disk that is getting full, or more than 2 GiB
                rest = memoryview(b"".join(parts))
                while written < size:
                    written += os.write(self._descriptor, rest[written:])
            if durable:
                self.sync()
        except OSError:
            os.ftruncate(self._descriptor, self.size)
            raise
        self.size += size

    def sync(self) -> None:
        """What was appended, and the name of the file, outlive a power cut."""
        if not self._named:
            _sync_folder(self.path.parent)
            self._named = True
        os.fdatasync(self._descriptor)

    def close(self) -> None:
        os.close(self._descriptor)


class Writer:
    """The write-ahead log of one gateway. `append` may be called by any thread.

    A file is begun with the first append, and ended at `max_bytes` or after `max_age_seconds`.
    """

    def __init__(
        self,
        folder: Path,
        reserve: DiskReserve,
        sync_seconds: float = 1.0,
        max_bytes: int = MAX_FILE_BYTES,
        max_age_seconds: float = MAX_AGE_SECONDS,
    ) -> None:
        """Makes the folder. Raises Unavailable where that can't be."""
        self.records = self.bytes = 0  # appended by this writer
        self._folder, self._reserve = folder, reserve
        self._sync_seconds, self._max_age = sync_seconds, max_age_seconds
        self._max_bytes = max_bytes
        self._encoder = msgspec.msgpack.Encoder()
        self._lock = threading.Lock()  # of what follows
        self._file: _File | None = None
        self._ended: list[_File] = []  # to be synced and closed
        self._closing = False
        self._appended = threading.Event()
        self._closed = threading.Event()
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise Unavailable(f"the folder of pipeline logs: {error}") from error
        self._tender = threading.Thread(target=self._tend, name="pipeline logs", daemon=True)
        self._tender.start()

    def check(self) -> None:
        """Raises Rejected("no_space") if an append would be refused: ask before work is done."""
        self._reserve.check("pipeline logs")

    def append(self, head: RecordHead, body: bytes | memoryview) -> None:
        """Returns once no kill can lose it. Rejected("no_space") or Unavailable: it is not in the
        log, and nothing else of the log is lost."""
        encoded = self._encoder.encode(head)
        if len(body) > MAX_LENGTH:
            raise Rejected("invalid", "the request and its answer are too large to be logged")
        self._reserve.check("pipeline logs", len(body))
        with self._lock:
            if self._closing:
                raise Unavailable("the log of pipelines is closed")
            file = self._file = self._file or self._new_file()
            try:
                file.append([header(encoded, body), encoded, body], self._sync_seconds <= 0)
            except OSError as error:
                self._end()  # so that what is left of this one is the last in its file
                raise _refusal(error) from error
            self.records += 1
            self.bytes += len(body)
            if file.size >= self._max_bytes:
                self._end()
        if not self._appended.is_set():  # costs a lock
            self._appended.set()

    def close(self) -> None:
        """Syncs and gives the file up, so that it can be sealed. No more is appended."""
        with self._lock:
            self._closing = True
            self._end()
        self._closed.set()
        self._appended.set()
        self._tender.join()

    def _new_file(self) -> "_File":
        try:
            return _File(self._folder)
        except OSError as error:
            raise _refusal(error) from error

    def _end(self) -> None:
        if self._file is not None:
            self._ended.append(self._file)
            self._file = None

    def _tend(self) -> None:
        """Syncs a little after an append; ends files that are too old. Sleeps while there are
        none."""
        while not self._closed.is_set():
            self._appended.wait(self._max_age if self._file else None)
            self._closed.wait(max(self._sync_seconds, 0.01))
            self._appended.clear()
            self._tick()
        self._tick()

    def _tick(self) -> None:
        with self._lock:
            if self._file and time.monotonic() - self._file.made_at >= self._max_age:
                self._end()
            file, ended = self._file, self._ended
            self._ended = []
        for one in [file, *ended] if file else ended:  # nobody but this thread closes one
            try:
                one.sync()
            except OSError as error:
                logger.error("pipeline logs may not outlive a power cut: %s", error)
        for one in ended:
            one.close()


def _open_locked(folder: Path) -> tuple[Path, int]:
    """A new file in `folder`, locked before anybody else could take it away. Its name is a number
    that grows with time."""
    while True:
        number = (time.time_ns() // 1000 << _RANDOM_BITS) | secrets.randbits(_RANDOM_BITS)
        path = folder / f"{number}{SUFFIX}"
        try:
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o600)
        except FileExistsError:
            continue
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if os.fstat(descriptor).st_nlink:
                return path, descriptor
        except BlockingIOError:
            pass
        os.close(descriptor)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _refusal(error: OSError) -> Rejected | Unavailable:
    if error.errno in _FULL:
        return Rejected("no_space", "pipeline logs: the disk is full; have some space freed")
    return Unavailable(f"pipeline logs can't be written: {error}")
