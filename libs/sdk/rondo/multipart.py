"""The body of an upload (RFC 7578), read from the file while it is sent."""

import json
import os
from collections.abc import Callable, Iterator
from typing import BinaryIO

_PIECE = 1 << 16

Opened = Callable[[], BinaryIO]
Seen = Callable[[int], None]


class Upload:
    """A file part and a JSON part; `seen` is told how many bytes of the file have gone."""

    def __init__(
        self, opened: Opened, size: int, file_name: str, metadata: object, seen: Seen
    ) -> None:
        self._opened, self._size, self._seen = opened, size, seen
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
        gone = 0
        with self._opened() as file:
            while piece := file.read(_PIECE):
                yield piece
                gone += len(piece)
                self._seen(gone)
        if gone != self._size:
            raise ValueError("path: the file changed while it was sent; send it again")
        yield self._after


def _quoted(name: str) -> str:
    """As browsers do it (HTML, multipart/form-data encoding algorithm)."""
    return name.replace('"', "%22").replace("\r", "%0D").replace("\n", "%0A")
