"""A program that keeps what it is told in a file, and may be killed at any time.

    python -m tests.events.subscriber <url> <file with a token> <file to keep it in>

A line an event: its place and its id. The file is all that it remembers: it begins after the last
whole line, and connects again whenever the connection ends.
"""

import http.client
import json
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

_WAIT = 0.05  # seconds before it connects again


def main(url: str, token: Path, kept: Path) -> None:
    file = os.open(kept, os.O_RDWR | os.O_CREAT, 0o600)
    last = _resume(file, kept)
    while True:
        try:
            for id, data in _events(url, token.read_text(), last):
                last = id
                if data:
                    event = json.loads(data)
                    os.write(file, f"{event['sequence']} {event['id']}\n".encode())
        except (OSError, http.client.HTTPException):
            time.sleep(_WAIT)  # the service is away


def _resume(file: int, kept: Path) -> str:
    """Forgets a line that was cut off; gives the place in the last whole one."""
    whole, _, _ = kept.read_bytes().rpartition(b"\n")
    os.ftruncate(file, len(whole) + 1 if whole else 0)
    os.lseek(file, 0, os.SEEK_END)
    return whole.split(b"\n")[-1].split(b" ")[0].decode() or "0"


def _events(url: str, token: str, last: str) -> Iterator[tuple[str, str]]:
    """Ids and data as they come, until the connection ends."""
    parts = urlsplit(url)
    assert parts.hostname
    connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=30)
    try:
        headers = {"Authorization": f"Bearer {token}", "Last-Event-ID": last}
        path = f"{parts.path}?{parts.query}"
        connection.request("GET", path, headers={**headers, "Accept": "text/event-stream"})
        response = connection.getresponse()
        if response.status != 200:
            raise OSError(f"answered {response.status}: {response.read(1000)!r}")
        fields: dict[str, str] = {}
        while line := response.readline():
            if line == b"\n":
                if "id" in fields:
                    yield fields["id"], fields.get("data", "")
                fields = {}
            else:
                name, _, value = line.decode().rstrip("\n").partition(": ")
                fields[name] = value
    finally:
        connection.close()


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]))
