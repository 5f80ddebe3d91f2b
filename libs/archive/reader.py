"""A ZIP file as a list of members and their bytes. The only file that knows the format.

Nothing that a file declares is believed: the end record is read before the directory, so that a
file of millions of entries costs a seek, and contents are checked against sizes and CRC as they
are read. Whatever is wrong with a file is `Rejected("invalid")`, naming the field and the remedy.
"""

import stat
import struct
import unicodedata
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, NoReturn

import msgspec

from libs.domain.errors import Rejected

CHUNK = 1 << 20
REMEDY = "make the archive again, for example with: zip -r orchestration.zip ."

_END, _END64, _LOCATOR64, _ENTRY = b"PK\x05\x06", b"PK\x06\x06", b"PK\x06\x07", b"PK\x01\x02"
_END_BYTES, _LOCATOR64_BYTES, _END64_BYTES = 22, 20, 56
_ENTRY_BYTES = 512  # of the directory, an entry: name and extra fields of any honest archive
# Encrypted; strongly encrypted; directory masked (APPNOTE 4.4.4).
_ENCRYPTED = 0x1 | 0x40 | 0x2000
_UTF8 = 0x800
_UNICODE_PATH = 0x7075
_WINDOWS = {0, 10, 14}  # which made the archive: FAT, NTFS, VFAT
_BROKEN = (
    zipfile.BadZipFile,
    NotImplementedError,
    zlib.error,
    struct.error,
    EOFError,
    ValueError,
    OverflowError,
)


class Member(msgspec.Struct, frozen=True):
    """One entry as the archive declares it. Sizes are bytes, of its name as it is written too;
    `mode` is the Unix mode, or 0. See `_name` for what it is called; of a folder it ends with /."""

    index: int
    name: str
    utf8: bool
    name_bytes: int
    packed: int
    size: int
    offset: int
    mode: int
    encrypted: bool
    compression: int


def refuse(problem: str, remedy: str = REMEDY) -> NoReturn:
    raise Rejected("invalid", f"file: {problem}; {remedy}")


class Reader:
    """An open archive: `members` in the order of its directory, which follows their contents."""

    def __init__(self, archive: zipfile.ZipFile) -> None:
        self._archive = archive
        self.directory_start = archive.start_dir
        self._infos = archive.infolist()
        self.members = [_member(index, info) for index, info in enumerate(self._infos)]

    def chunks(self, member: Member) -> Iterator[bytes]:
        """The member's bytes, at most `member.size` of them; the CRC is checked at the last."""
        with (
            _honest(f"{member.name!r} can't be read"),
            self._archive.open(self._infos[member.index]) as stream,
        ):
            read = 0
            while chunk := stream.read(CHUNK):
                read += len(chunk)
                yield chunk
            if read != member.size:
                raise EOFError(f"{read} bytes instead of {member.size}")


@contextmanager
def opened(path: Path, most_entries: int) -> Iterator[Reader]:
    """Open the archive at `path`, refusing one that has, or claims, more than `most_entries`."""
    with path.open("rb") as file:
        _check_directory(file, most_entries)
        with _honest("the archive is damaged"):
            archive = zipfile.ZipFile(file)
        with archive:
            yield Reader(archive)


@contextmanager
def _honest(problem: str) -> Iterator[None]:
    try:
        yield
    except _BROKEN as error:
        refuse(f"{problem} ({error})")


def _member(index: int, info: zipfile.ZipInfo) -> Member:
    flagged = bool(info.flag_bits & _UTF8)
    # `filename` is cut at a NUL
    written = info.orig_filename.encode("utf-8" if flagged else "cp437")
    name = _name(written, info.extra)
    if name and info.create_system in _WINDOWS:
        name = name.replace("\\", "/")  # as older .NET writes it, and PowerShell with that
    mode = info.external_attr >> 16
    if stat.S_ISDIR(mode) and name and not name.endswith("/"):
        name += "/"  # some tools tell folders by their mode alone
    return Member(
        index,
        name or info.orig_filename,
        name is not None,
        len(written),
        info.compress_size,
        info.file_size,
        info.header_offset,
        mode,
        bool(info.flag_bits & _ENCRYPTED),
        info.compress_type,
    )


def _name(written: bytes, extra: bytes) -> str | None:
    """What a member is called; None if that is in no UTF-8.

    Many tools write UTF-8 and don't say so by the flag (zip of Debian, macOS's own): bytes that are
    UTF-8 are taken for it. Others write a code page, and the name once more in an extra field
    (APPNOTE 4.6.9). Letters are composed (NFC), as people type them: macOS writes them apart.
    """
    try:
        name = (_unicode_path(written, extra) or written).decode()
    except UnicodeDecodeError:
        return None
    return unicodedata.normalize("NFC", name)


def _unicode_path(written: bytes, extra: bytes) -> bytes | None:
    while len(extra) >= 4:
        kind, size = struct.unpack_from("<HH", extra)
        field, extra = extra[4 : 4 + size], extra[4 + size :]
        # It counts only for the very name that it was written for.
        its_own = struct.pack("<BL", 1, zlib.crc32(written))
        if kind == _UNICODE_PATH and field[:5] == its_own and len(field) > 5:
            return field[5:]
    return None


def _check_directory(file: BinaryIO, most_entries: int) -> None:
    """Count the entries without building them: `zipfile` would, one object each."""
    entries, size, start, end = _end_record(file)
    if start + size != end:
        refuse("the archive has lost or gained bytes", "upload the whole .zip file as it was made")
    if entries > most_entries:
        refuse(f"{entries} entries are more than the {most_entries} allowed", "pack fewer files")
    if size > most_entries * _ENTRY_BYTES:
        refuse("its names are too long altogether", "pack fewer files, with shorter names")
    file.seek(start)
    # The declared number may lie: zipfile reads until the directory's bytes are used up.
    if file.read(size).count(_ENTRY) > most_entries:
        refuse(f"more than the {most_entries} entries allowed", "pack fewer files")


def _end_record(file: BinaryIO) -> tuple[int, int, int, int]:
    """Number of entries; the directory's size in bytes, its declared start and its real end."""
    length = file.seek(0, 2)
    base = max(0, length - _END_BYTES - 0xFFFF)
    file.seek(base)
    tail = file.read()
    at = tail.rfind(_END)
    if at < 0:
        refuse("not a ZIP archive, or cut short", "upload the whole .zip file")
    if at + _END_BYTES > len(tail):
        refuse("the archive is cut short", "upload the whole .zip file")
    _, disk, first_disk, _, entries, size, start, comment = struct.unpack_from("<4s4H2LH", tail, at)
    rest = tail[at + _END_BYTES :]
    # What writes blocks (bsdtar into a pipe) fills the last one with NULs.
    if len(rest) < comment or rest[comment:].strip(b"\0"):
        refuse("the archive is cut short or has bytes after its end", "upload the .zip file itself")
    if disk or first_disk:
        refuse("it is one of several parts of an archive", "pack it as a single .zip file")
    end = base + at
    file.seek(max(0, end - _LOCATOR64_BYTES))
    if file.read(4) == _LOCATOR64:
        end -= _LOCATOR64_BYTES + _END64_BYTES
        file.seek(max(0, end))
        record = file.read(_END64_BYTES)
        if len(record) < _END64_BYTES or not record.startswith(_END64):
            refuse("the archive is damaged at its end")
        entries, size, start = struct.unpack("<3Q", record[32:56])
    return entries, size, start, end
