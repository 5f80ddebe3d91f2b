"""The write-ahead files as their readers see them: what is in each of which pipeline.

A file grows while it is read, and goes away when it is sealed. What was found in one is remembered,
so that each is scanned once.
"""

import os
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple
from uuid import UUID

import msgspec

from services.inference.logs.frames import SUFFIX, Frame, frames
from services.inference.logs.record_tables import Record
from services.inference.record import RecordHead


class Sealed(Exception):
    """A file is not there any more: what was in it is in segments."""


class Entry(NamedTuple):
    """One inference: its place, where its frame ends, and how many rows it says that it has.
    Entries order as their inferences do."""

    time: int
    file: int
    offset: int
    end: int
    rows: int
    run: UUID | None


class _Rows(msgspec.Struct, array_like=True):
    """The first field of a RecordBody."""

    rows: int


class _Scanned:
    def __init__(self) -> None:
        self.end = 0
        self.entries: dict[UUID, list[Entry]] = defaultdict(list)


class Unsealed:
    """The files of a folder. No two threads may call it at once."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._scanned: dict[int, _Scanned] = {}

    def path(self, file: int) -> Path:
        """Of the file with that number."""
        return self._folder / f"{file}{SUFFIX}"

    def files(self) -> list[int]:
        """The numbers of all files, the oldest first."""
        numbers = [path.stem for path in self._folder.glob(f"*{SUFFIX}")]
        return sorted(int(number) for number in numbers if number.isdecimal())

    def keep_only(self, files: Sequence[int]) -> None:
        """Forgets what was found in others."""
        self._scanned = {file: self._scanned[file] for file in files if file in self._scanned}

    def entries(self, file: int) -> Mapping[UUID, Sequence[Entry]]:
        """What is in the file now, by pipelines. Raises Sealed."""
        scan = self._scanned.setdefault(file, _Scanned())
        content = _read(self.path(file), scan.end, None)
        for frame in frames(content, scan.end):
            head = msgspec.msgpack.decode(frame.head, type=RecordHead)
            rows = _rows(frame.body)
            entry = Entry(head.time, file, frame.start, frame.end, rows, head.run)
            scan.entries[head.pipeline].append(entry)
            scan.end = frame.end
        return scan.entries

    def records(self, entries: Sequence[Entry]) -> list[Record]:
        """Of these entries, in their order. Raises Sealed."""
        return [self._record(entry) for entry in entries]

    def _record(self, entry: Entry) -> Record:
        content = _read(self.path(entry.file), entry.offset, entry.end)
        (frame,) = frames(content, entry.offset)
        return record(entry.file, frame)


def record(file: int, frame: Frame) -> Record:
    """What a frame of that file holds."""
    head = msgspec.msgpack.decode(frame.head, type=RecordHead)
    return Record(file, frame.start, head, frame.body)


def _rows(body: memoryview) -> int:
    try:
        return max(msgspec.msgpack.decode(body, type=_Rows).rows, 0)
    except msgspec.DecodeError:
        return 1  # as record_tables.py makes of it


def _read(path: Path, start: int, end: int | None) -> memoryview:
    """Up to the end of the file, if `end` is None."""
    try:
        descriptor = os.open(path, os.O_RDONLY)
    except FileNotFoundError:
        raise Sealed from None
    try:
        stop = os.fstat(descriptor).st_size if end is None else end
        return memoryview(os.pread(descriptor, stop - start, start))
    finally:
        os.close(descriptor)
