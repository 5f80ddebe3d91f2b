"""What a service tells its supervisor, by the sd_notify protocol: sd_notify(3).

`READY=1` once it serves; `WATCHDOG=1` now and then if WATCHDOG_USEC is set, so that a service whose
event loop is stuck is missed; and, of our own, `X_APPENDS_FAIL=<seconds>`.
"""

import asyncio
import contextlib
import socket
from collections.abc import Mapping

_OFTEN = 10  # times in the span that a watchdog waits
_PERIOD_SECONDS = 1.0  # seconds, at most


def notify(what: str, environ: Mapping[str, str], *, surely: bool = False) -> None:
    """Sends a message where NOTIFY_SOCKET is set. What can't be sent at once is dropped, unless
    `surely`: then it waits, and raises OSError."""
    address = environ.get("NOTIFY_SOCKET")
    if not address:
        return
    if address.startswith("@"):
        address = "\0" + address[1:]
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as channel:
        channel.setblocking(surely)
        with contextlib.suppress(*() if surely else (OSError,)):
            channel.connect(address)
            channel.send(what.encode())


async def beat(environ: Mapping[str, str]) -> None:
    """Says for ever that the event loop goes round."""
    span = int(environ.get("WATCHDOG_USEC") or 0) / 1e6
    while span:
        notify("WATCHDOG=1", environ)
        await asyncio.sleep(min(_PERIOD_SECONDS, span / _OFTEN))
