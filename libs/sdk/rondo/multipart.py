"""The body of an upload (RFC 7578). It is read from the file while it is sent."""

import io
import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO, NamedTuple

_PIECE_BYTES = 1 << 16

OpenFile = Callable[[], BinaryIO]
OnProgress = Callable[[int], None]  # gets how many bytes of the file are sent


class SourceFile(NamedTuple):
    """A file to upload, which can be opened several times. `size` is in bytes."""

    open: OpenFile
    size: int
    name: str


def source_file(source: str | os.PathLike[str] | bytes) -> SourceFile:
    """The file at a path, or one of these bytes, with the name `_`.

    Raises OSError when it can't be read.
    """
    if isinstance(source, bytes):
        return SourceFile(lambda: io.BytesIO(source), len(source), "_")
    path = Path(source)
    return SourceFile(lambda: path.open("rb"), path.stat().st_size, path.name)


class Upload:
    """A JSON part and a file part.

    `size` is that of the file, in bytes. Iterating raises ValueError when the file has another one.
    """

    def __init__(
        self,
        open_file: OpenFile,
        size: int,
        file_name: str,
        metadata: object,
        on_progress: OnProgress,
    ) -> None:
        self._open_file, self._size, self._on_progress = open_file, size, on_progress
        boundary = os.urandom(16).hex()
        self.content_type = f"multipart/form-data; boundary={boundary}"
        self._before = (
            f"--{boundary}\r\n"
            'Content-Disposition: form-data; name="metadata"\r\n'
            "Content-Type: application/json\r\n\r\n"
            f"{json.dumps(metadata)}\r\n"
            f"--{boundary}\r\n"
            f'Content-Disposition: form-data; name="file"; filename="{_quoted(file_name)}"\r\n'
            "Content-Type: application/octet-stream\r\n\r\n"
        ).encode()
        self._after = f"\r\n--{boundary}--\r\n".encode()

    def __len__(self) -> int:
        return len(self._before) + self._size + len(self._after)

    def __iter__(self) -> Iterator[bytes]:
        yield self._before
        sent = 0
        with self._open_file() as file:
            while piece := file.read(_PIECE_BYTES):
                yield piece
                sent += len(piece)
                self._on_progress(sent)
        if sent != self._size:
            raise ValueError("path: the file changed while it was sent; send it again")
        yield self._after


def _quoted(name: str) -> str:
    """As browsers do it (HTML, multipart/form-data encoding algorithm)."""
    return name.replace('"', "%22").replace("\r", "%0D").replace("\n", "%0A")
