"""A server that is measured: where it is, what it is asked, and what it has to answer."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Rows = NDArray[np.float32]
# From the body of an answer to its predictions.
Read = Callable[[bytes], object]


@dataclass(frozen=True)
class Server:
    """`row` and `rows` are whole requests of one row and of 1,000; `pid` is of all its processes,
    `expected` what it has to say to each."""

    name: str
    port: int
    pid: int
    row: bytes
    rows: bytes
    read: Read
    expected: Mapping[bytes, Rows]

    def check(self, request: bytes, answer: bytes) -> None:
        """Raises AssertionError for a status other than 200, or another prediction. Sums over
        trees may differ in their last digits where they are made by several threads."""
        head, _, body = answer.partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200"), f"{self.name}: {head[:60]!r} {body[:400]!r}"
        said = np.asarray(self.read(body), np.float32).reshape(-1)
        assert np.allclose(said, self.expected[request].reshape(-1), 1e-5), f"{self.name} is wrong"


def post(path: str, content_type: str, body: bytes, *headers: str) -> bytes:
    """A request as it goes over the wire."""
    lines = [f"POST {path} HTTP/1.1", "Host: bench", f"Content-Type: {content_type}"]
    lines += [*headers, f"Content-Length: {len(body)}"]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body
