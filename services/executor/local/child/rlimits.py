"""Puts a run's limits on the calling process and all that it becomes and forks."""

import os
import resource

from libs.linux import process
from services.executor.backend import Limits


def apply(limits: Limits) -> None:
    """Set the resource limits for good, but for the number of processes."""
    _set(resource.RLIMIT_CORE, 0)
    _set(resource.RLIMIT_FSIZE, limits.file_bytes)
    _set(resource.RLIMIT_NOFILE, limits.open_files)


def apply_last(limits: Limits, own_uid: bool) -> None:
    """Those that bound us too."""
    processes = limits.processes
    if not own_uid:
        # The kernel counts by uid over the whole machine: what else of the uid runs comes on top.
        processes += process.count(os.getuid())
    _set(resource.RLIMIT_NPROC, processes)
    _set(resource.RLIMIT_AS, limits.memory_bytes)


def _set(kind: int, value: int) -> None:
    _, hard = resource.getrlimit(kind)
    if hard != resource.RLIM_INFINITY:
        value = min(value, hard)
    resource.setrlimit(kind, (value, value))
