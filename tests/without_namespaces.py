"""python -P without_namespaces.py COMMAND...: becomes COMMAND, which belongs to an ordinary user of
a machine that gives out no user namespaces. It owns what we own."""

import os
import pwd
import sys
from pathlib import Path

from libs.linux import syscalls


def become_ordinary() -> None:
    """Raises OSError where we may have no user namespace ourselves."""
    uid, gid = os.geteuid(), os.getegid()
    named = next(user.pw_uid for user in pwd.getpwall() if user.pw_uid)  # initdb asks for one
    syscalls.unshare(syscalls.CLONE_NEWUSER)
    Path("/proc/self/setgroups").write_text("deny")
    Path("/proc/self/uid_map").write_text(f"{named} {uid} 1")
    Path("/proc/self/gid_map").write_text(f"{named} {gid} 1")
    Path("/proc/sys/user/max_user_namespaces").write_text("0")  # of this one: inside it


if __name__ == "__main__":
    become_ordinary()
    os.execv(sys.argv[1], sys.argv[1:])  # noqa: S606 - what the test runs
