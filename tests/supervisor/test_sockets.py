"""Paths of sockets have 107 bytes at most (unix(7)), however long that of the data folder is."""

import socket
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from libs.service import handover
from libs.supervisor.folder import Folder
from libs.supervisor.sockets import service_socket, socket_folder
from tests.platform import SERVICES


@pytest.fixture
def place() -> Iterator[Path]:
    """A short path, whatever the system's temporary folder is called."""
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:
        yield Path(folder)


@pytest.mark.parametrize("length", range(60, 110))
def test_every_socket_can_be_bound(
    place: Path, length: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(place))
    data = place / ("d" * (length - len(str(place)) - 1))
    data.mkdir()
    folder = Folder(data, lock=-1)
    paths = [socket_folder(folder, "postgres") / ".s.PGSQL.5432"]
    for service in SERVICES:
        path = service_socket(folder, service)
        paths += [path, Path(handover.beside(f"unix:{path}"))]
    for path in paths:
        with socket.socket(socket.AF_UNIX) as one:
            one.bind(str(path))
