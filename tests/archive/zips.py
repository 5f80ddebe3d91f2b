"""Archives that no honest tool makes, built from the documented structures of the format."""

import io
import struct
import warnings
import zipfile
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path


def packed(members: Mapping[str, bytes | str], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    """A ZIP of the members, in their order."""
    return packed_infos([(zipfile.ZipInfo(name), data) for name, data in members.items()], method)


def packed_infos(
    members: list[tuple[zipfile.ZipInfo, bytes | str]], method: int = zipfile.ZIP_DEFLATED
) -> bytes:
    buffer = io.BytesIO()
    with warnings.catch_warnings(), zipfile.ZipFile(buffer, "w", method) as archive:
        warnings.simplefilter("ignore")  # zipfile warns of the duplicates that we want
        for info, data in members:
            archive.writestr(info, data, method)
    return buffer.getvalue()


def after(prefix: bytes, members: Mapping[str, bytes | str]) -> bytes:
    """A ZIP behind other bytes, which its offsets count."""
    buffer = io.BytesIO(prefix)
    with zipfile.ZipFile(buffer, "a") as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return buffer.getvalue()


def by_windows(members: Mapping[str, bytes | str]) -> bytes:
    """As tools there make it that know nothing of modes."""
    infos = [zipfile.ZipInfo(name) for name in members]
    for info in infos:
        info.create_system = 0
        info.external_attr = 0
    return packed_infos(list(zip(infos, members.values(), strict=True)))


def unflagged(members: Mapping[str, bytes | str]) -> bytes:
    """The same names in UTF-8, without the flag that says so."""
    data = bytearray(packed(members))
    for mark, at in ((b"PK\x01\x02", 8), (b"PK\x03\x04", 6)):
        found = data.find(mark)
        while found >= 0:
            (flags,) = struct.unpack_from("<H", data, found + at)
            struct.pack_into("<H", data, found + at, flags & ~0x800)
            found = data.find(mark, found + 4)
    return bytes(data)


def with_unicode_path(written: bytes, name: str, crc: int | None = None) -> zipfile.ZipInfo:
    """A member whose name is `written` in some code page, and told in an extra field."""
    info = zipfile.ZipInfo(written.decode("ascii"))
    told = struct.pack("<BL", 1, zlib.crc32(written) if crc is None else crc) + name.encode()
    info.extra = struct.pack("<HH", 0x7075, len(told)) + told
    return info


def with_mode(name: str, mode: int) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name)
    info.create_system = 3
    info.external_attr = mode << 16
    return info


def flagged(archive: bytes, flag: int) -> bytes:
    """The same with a general purpose flag set in every directory entry."""
    return _edited_entries(archive, 8, "<H", lambda flags: flags | flag)


def claiming(archive: bytes, size: int) -> bytes:
    """The same, with every directory entry claiming to unpack to `size` bytes."""
    return _edited_entries(archive, 24, "<L", lambda _: size)


def compressed_by(archive: bytes, method: int) -> bytes:
    return _edited_entries(archive, 10, "<H", lambda _: method)


def split(archive: bytes) -> bytes:
    """As the last of two parts says of itself."""
    at = archive.rindex(b"PK\x05\x06") + 4
    return archive[:at] + b"\1\0" + archive[at + 2 :]


def overlapping() -> bytes:
    """Two members whose directory entries point at the same contents."""
    archive = packed({"main.py": "print(1)", "other.py": "print(1)"}, zipfile.ZIP_STORED)
    return _edited_entries(archive, 42, "<L", lambda _: 0)


def lying_about_entries(archive: bytes, entries: int) -> bytes:
    at = archive.rindex(b"PK\x05\x06")
    return archive[: at + 8] + struct.pack("<2H", entries, entries) + archive[at + 12 :]


def many_entries(path: Path, number: int) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr("main.py", "")
        for index in range(number - 1):
            archive.writestr(zipfile.ZipInfo(str(index)), b"")


def _edited_entries(archive: bytes, offset: int, form: str, edit: Callable[[int], int]) -> bytes:
    data = bytearray(archive)
    at = data.find(b"PK\x01\x02")
    while at >= 0:
        (old,) = struct.unpack_from(form, data, at + offset)
        struct.pack_into(form, data, at + offset, edit(old))
        at = data.find(b"PK\x01\x02", at + 4)
    return bytes(data)
