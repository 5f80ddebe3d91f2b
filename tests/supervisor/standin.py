"""A service as the supervisor sees one: says that it is ready, serves, ends on SIGTERM.

It writes the environment that it got to `environment.json` in its folder. RONDO_STANDIN makes
one misbehave, as `<service>:<way>`: `fail` ends at once, `deaf` ignores SIGTERM, `mute` never
says that it is ready. The others are real services, but for what they do: stuck.py.
"""

import json
import os
import signal
import socket
import sys
from pathlib import Path


def listening(place: str) -> socket.socket:
    if given := os.environ.get("RONDO_LISTEN_FDS"):
        return socket.socket(fileno=int(given))
    path = place.removeprefix("unix:")
    Path(path).unlink(missing_ok=True)
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(path)
    listener.listen()
    return listener


def main() -> None:
    name = sys.argv[1]
    way = dict([os.environ.get("RONDO_STANDIN", ":").split(":")]).get(name)
    if way in ("compute", "wait", "thread"):
        # Elsewhere, since it costs a second of computing to import what a service stands on.
        stuck = Path(__file__).with_name("stuck.py")
        os.execv(sys.executable, [sys.executable, str(stuck), name, way])  # noqa: S606 - a program of ours
    if way == "fail":
        sys.exit(f"{name} has a reason to fail")
    Path(os.environ["RONDO_DATA"], "environment.json").write_text(json.dumps(dict(os.environ)))
    listener = listening(os.environ["RONDO_LISTEN"])
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM, signal.SIGUSR1})
    if way != "mute":
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as supervisor:
            supervisor.sendto(b"READY=1", "\0" + os.environ["NOTIFY_SOCKET"][1:])
    signal.sigwait({signal.SIGUSR1} if way == "deaf" else {signal.SIGTERM})
    listener.close()


if __name__ == "__main__":
    main()
