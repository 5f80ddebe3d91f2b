"""Stands for your own data: gives houses.csv, takes prices and keeps them in a file.

`python examples/houseprice/data_server.py [port]` serves until Ctrl-C, on this machine only.
"""

import sys
from contextlib import suppress
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

HOUSES = Path(__file__).with_name("houses.csv")


class Data(BaseHTTPRequestHandler):
    """GET /houses.csv, PUT /prices.json."""

    def __init__(self, folder: Path, *arguments: object) -> None:
        self.folder = folder
        super().__init__(*arguments)  # type: ignore[arg-type]

    def do_GET(self) -> None:
        """The houses."""
        content = HOUSES.read_bytes()
        self.send_response(200 if self.path == "/houses.csv" else 404)
        self.send_header("Content-Type", "text/csv")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def do_PUT(self) -> None:
        """The prices, in place of earlier ones."""
        content = self.rfile.read(int(self.headers["Content-Length"]))
        (self.folder / "prices.json").write_bytes(content)
        self.send_response(204)
        self.end_headers()


def server(folder: Path, port: int = 0) -> ThreadingHTTPServer:
    """It takes prices into that folder. Port 0 is any."""
    return ThreadingHTTPServer(("127.0.0.1", port), partial(Data, folder))


if __name__ == "__main__":
    with server(Path.cwd(), int(sys.argv[1]) if sys.argv[1:] else 8099) as serving:
        print(f"http://127.0.0.1:{serving.server_port}/houses.csv; prices go to prices.json")
        with suppress(KeyboardInterrupt):
            serving.serve_forever()
