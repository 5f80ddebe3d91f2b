"""A webhook's receiver as a program, which may be killed at any time.

    python -m tests.subscriptions.killable_receiver <port> <file with the secret> <file of lines>

It writes a line a request that was signed well: the event's sequence, and the id that it was sent
under. Only then does it answer the request.
"""

import json
import os
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

from tests.subscriptions.receiver import Hook

SECRET = Path(sys.argv[2]).read_text()
LINES = os.open(sys.argv[3], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        headers = {name.lower(): value for name, value in self.headers.items()}
        Hook(headers, body, 204).verify(SECRET)
        sequence = json.loads(body)["sequence"]
        os.write(LINES, f"{sequence} {headers['webhook-id']}\n".encode())
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


class Server(HTTPServer):
    allow_reuse_address = True


Server(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
