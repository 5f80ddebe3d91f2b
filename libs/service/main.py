"""How a service starts, says that it is ready, and stops.

SIGTERM and SIGINT cancel the service's main coroutine; what it opened closes in reverse order.
Readiness is told by the sd_notify protocol (sd_notify(3)) where NOTIFY_SOCKET is set.
"""

import asyncio
import gc
import logging
import os
import signal
import socket
import sys
from collections.abc import Awaitable, Callable, Mapping

from libs.domain.errors import Unavailable
from libs.eventlog.origin import OtherStream
from libs.linux import syscalls
from libs.service import logformat
from libs.service.config import ConfigError

logger = logging.getLogger(__name__)

Program = Callable[[Mapping[str, str]], Awaitable[None]]


def run(name: str, program: Program) -> None:
    """Runs `program` on this process's environment until it ends or is told to stop."""
    logformat.set_up(name, os.environ)
    # A task may run under our uid: it must not read our memory or environment.
    syscalls.hide_memory()
    sys.exit(asyncio.run(_supervised(name, program)))


async def _supervised(name: str, program: Program) -> int:
    work = asyncio.ensure_future(program(os.environ))
    loop = asyncio.get_running_loop()
    for sig in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(sig, work.cancel)
    try:
        await work
    except asyncio.CancelledError:
        logger.info("stopped")
        return 0
    except ConfigError as error:
        logger.critical("%s can't start: %s", name, error)
        return 2
    except OtherStream as error:
        logger.critical("%s stops: %s", name, error)
        return 1
    except Unavailable as error:
        logger.critical("%s gives up: %s", name, error)
        return 1
    except BaseException:
        logger.critical("%s failed", name, exc_info=True)
        return 1
    return 0


def notify_ready() -> None:
    """Tell whoever started us that we serve now.

    What is there by then stays: a collection of garbage need not look through all of it, which
    would make a request now and then wait for tens of milliseconds.
    """
    gc.freeze()
    address = os.environ.get("NOTIFY_SOCKET")
    logger.info("ready")
    if not address:
        return
    if address.startswith("@"):
        address = "\0" + address[1:]
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as channel:
        channel.connect(address)
        channel.sendall(b"READY=1")
