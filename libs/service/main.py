"""How a service starts, says that it is ready, and stops.

SIGTERM and SIGINT cancel the service's main coroutine; what it opened closes in reverse order.
libs/telemetry/sd_notify.py says that it is ready.
"""

import asyncio
import contextlib
import faulthandler
import gc
import logging
import os
import signal
import sys
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from libs.domain.errors import Unavailable
from libs.eventlog.stream_identity import OtherStream
from libs.linux import syscalls
from libs.service.config import ConfigError
from libs.telemetry import log_format, sd_notify

logger = logging.getLogger(__name__)

_LAST = 0.5  # seconds that tasks have to end which the service has left behind

Program = Callable[[Mapping[str, str]], Awaitable[None]]


def run(name: str, program: Program) -> None:
    """Runs `program` on this process's environment until it ends or is told to stop."""
    log_format.set_up(name, os.environ)
    # A task may run under our uid: it must not read our memory or environment.
    syscalls.hide_memory()
    faulthandler.enable()  # SIGABRT, by which the supervisor ends a stuck one, shows where it is
    status = asyncio.Runner().run(_supervised(name, program))
    # Not by way of Python's own end, which waits for threads: one that walks over a large folder or
    # copies a file can't be told to stop. What it is at outlives a kill, so it outlives this.
    with contextlib.suppress(OSError):  # of a full disk
        logging.shutdown()
        sys.stderr.flush()
    os._exit(status)


async def _supervised(name: str, program: Program) -> int:
    work = asyncio.ensure_future(program(os.environ))
    loop = asyncio.get_running_loop()
    for sig in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(sig, work.cancel)
    beats = asyncio.create_task(sd_notify.beat(os.environ))
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
    finally:
        await _end({beats, *asyncio.all_tasks()})
    return 0


async def _end(tasks: "set[asyncio.Task[Any]]") -> None:
    """All of these, but for the one that calls."""
    left = {task for task in tasks if task is not asyncio.current_task()}
    for task in left:
        task.cancel()
    await asyncio.wait(left, timeout=_LAST)


def notify_ready(status: str = "") -> None:
    """Tell whoever started us that we serve now, and what people should know of it.

    What is there by then stays: a collection of garbage need not look through all of it, which
    would make a request now and then wait for tens of milliseconds.
    """
    gc.freeze()
    logger.info("ready")
    sd_notify.notify("READY=1" + (f"\nSTATUS={status}" if status else ""), os.environ, surely=True)
