"""A way to the platform that breaks: it passes on so many bytes of an answer, then cuts."""

import contextlib
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit


class Proxy:
    """`cuts` are for the connections to come, in bytes of the answer; those after them are whole.
    `opened` is how many there have been."""

    def __init__(self, target: str, server: socket.socket) -> None:
        parts = urlsplit(target)
        self._target = (parts.hostname or "", parts.port or 80)
        self._server = server
        self.url = f"http://127.0.0.1:{server.getsockname()[1]}"
        self.cuts: list[int] = []
        self.opened = 0

    def serve(self) -> None:
        threads = []
        while True:
            try:
                client, _ = self._server.accept()
            except OSError:
                break
            self.opened += 1
            cut = self.cuts.pop(0) if self.cuts else 1 << 62
            threads.append(threading.Thread(target=self._pass, args=(client, cut)))
            threads[-1].start()
        for thread in threads:
            thread.join()

    def _pass(self, client: socket.socket, left: int) -> None:
        with client, socket.create_connection(self._target) as platform:
            asking = threading.Thread(target=_copy, args=(client, platform))
            asking.start()
            with contextlib.suppress(OSError):
                while left > 0 and (data := platform.recv(1 << 16)):
                    client.sendall(data[:left])
                    left -= len(data)
            for side in (client, platform):
                with contextlib.suppress(OSError):
                    side.shutdown(socket.SHUT_RDWR)
            asking.join()


def _copy(source: socket.socket, sink: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(1 << 16):
            sink.sendall(data)


@contextmanager
def proxied(url: str) -> Iterator[Proxy]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        proxy = Proxy(url, server)
        thread = threading.Thread(target=proxy.serve)
        thread.start()
        try:
            yield proxy
        finally:
            server.shutdown(socket.SHUT_RDWR)
            thread.join()
