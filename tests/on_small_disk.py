"""python -P on_small_disk.py FOLDER MIB COMMAND...: becomes COMMAND, which finds a file system of
so many MiB at FOLDER. It is in memory and in a mount namespace of its own: nobody else sees it, and
it is gone when the last process of it has ended."""

import os
import sys

from libs.linux import syscalls


def separate() -> None:
    """Raises OSError where we may not."""
    syscalls.unshare(syscalls.CLONE_NEWNS)
    syscalls.mount("none", "/", flags=syscalls.MS_REC | syscalls.MS_PRIVATE)


if __name__ == "__main__":
    place, size, *program = sys.argv[1:]
    separate()
    syscalls.mount("tmpfs", place, "tmpfs", data=f"size={size}m,mode=755")
    os.execv(program[0], program)  # noqa: S606 - what the test runs
