"""What the kernel keeps or shares beside files: memory and queues of System V, keys, accounts."""

from pathlib import Path

from services.executor.local.child import syscall_filter
from tests.contracts.test_backend_isolation import OWN_VIEW, allowed, runs
from tests.executor.harness import Harness

__all__ = ["runs"]  # the fixture
# the fixture
LIBC = """
import ctypes, errno, os
libc = ctypes.CDLL(None, use_errno=True)
def call(function, *arguments):
    ctypes.set_errno(0)
    result = function(*arguments)
    return result if result >= 0 else errno.errorcode[ctypes.get_errno()]
"""


async def test_nothing_of_system_v_outlives_a_run_or_is_shared(runs: Harness) -> None:
    made = [f"call(libc.{kind}, 4711, *{more})" for kind, more in KINDS_OF_SYSTEM_V]
    create, find = (LIBC + f"print([{', '.join(made)}])".replace("FLAGS", f) for f in ("512", "0"))
    _, first, _ = await runs.run(create)
    _, second, err = await runs.run(find)
    if runs.able(OWN_VIEW):
        assert first == "[0, 0, 0]\n"
        assert (second, err) == ("['ENOENT', 'ENOENT', 'ENOENT']\n", "")
    else:
        assert first == second == "['ENOSYS', 'ENOSYS', 'ENOSYS']\n"


KINDS_OF_SYSTEM_V = [
    ("shmget", "(4096, FLAGS + 0o666)"),
    ("semget", "(1, FLAGS + 0o666)"),
    ("msgget", "(FLAGS + 0o666,)"),
]


async def test_there_are_no_posix_queues(runs: Harness) -> None:
    script = LIBC + "print(call(libc.mq_open, b'/rondo', os.O_CREAT | os.O_RDWR, 0o666, None))"
    _, out, err = await runs.run(script)
    assert (out, err) == ("ENOSYS\n", "")


async def test_what_the_kernel_has_beside_is_closed(runs: Harness) -> None:
    """Keyrings outlive runs; filters don't see what is done by io_uring; in a user namespace a run
    would have all rights over it."""
    numbers = [*syscall_filter.KEYRINGS, *syscall_filter.IO_URING, *syscall_filter.OTHERS]
    script = f"""{LIBC}
print([call(libc.syscall, number, 0, 0, 0, 0, 0) for number in {numbers}])
print([call(libc.unshare, flags) for flags in (0x10000000, 0x10020000)])
import subprocess, threading
threading.Thread(target=print, args=("a thread",)).start()
print(subprocess.run(["sh", "-c", "echo a process"], capture_output=True, text=True).stdout)
"""
    _, out, err = await runs.run(script)
    closed, spaces, *rest = out.splitlines()
    assert closed == str(["ENOSYS"] * len(numbers))
    assert spaces == "['EPERM', 'EPERM']"
    assert (rest, err) == (["a thread", "a process", ""], "")


async def test_it_cannot_slow_down_its_shim_or_go_before_others(runs: Harness) -> None:
    script = """
        import os, resource
        def refused(call, *arguments):
            try:
                call(*arguments)
                return False
            except PermissionError:
                return True
        print(refused(resource.prlimit, 1, resource.RLIMIT_CPU, (1, 1)))
        print(refused(os.sched_setaffinity, 1, {0}))
        print(refused(os.setpriority, os.PRIO_PROCESS, 1, 19))
        print(refused(os.sched_setscheduler, 0, os.SCHED_FIFO, os.sched_param(1)))
        print(refused(os.setpriority, os.PRIO_PROCESS, 0, -1))
        os.nice(1); os.sched_setaffinity(0, os.sched_getaffinity(0))
        resource.setrlimit(resource.RLIMIT_CPU, (100, 100))
        print(int(open("/proc/self/oom_score_adj").read()) > 0)
    """
    _, out, err = await runs.run(script)
    assert (out, err) == ("True\n" * 6, "")


async def test_its_uid_has_a_name(runs: Harness) -> None:
    allowed(runs, OWN_VIEW)
    script = """
        import getpass, grp, os, pathlib, pwd, subprocess
        me = pwd.getpwuid(os.getuid())
        print(me.pw_name, me.pw_dir, me.pw_shell, pwd.getpwnam("jovyan").pw_uid == os.getuid())
        print(grp.getgrgid(os.getgid()).gr_name, grp.getgrnam("jovyan").gr_gid == os.getgid())
        print(pathlib.Path("main.py").owner(), pathlib.Path("main.py").group(), getpass.getuser())
        print(os.path.expanduser("~"), os.path.expanduser("~jovyan"))
        print(subprocess.run("whoami; id -un; id -gn", shell=True, capture_output=True).stdout)
        print(sorted(each.pw_name for each in pwd.getpwall()))
        def content(name):
            try:
                return open(name).read()
            except OSError:
                return ""
        print({content(f"/etc/{n}") for n in ("passwd-", "group-", "shadow", "subuid", "subgid")})
        for path in THERE:
            open(path).close()
        for name in "passwd", "group":
            try:
                open(f"/etc/{name}", "a")
            except OSError:
                continue
            print("writable:", name)
    """
    there = [f"/etc/{name}" for name in ("hosts", "resolv.conf", "nsswitch.conf")]
    script = script.replace("THERE", str([path for path in there if Path(path).is_file()]))
    for slot in (0, 5):  # the second has another uid, and maybe the shim of the first
        _, out, err = await runs.run(script, slot=slot)
        assert (err, out.splitlines()) == (
            "",
            [
                "jovyan /home/jovyan /bin/sh True",
                "jovyan True",
                "jovyan jovyan jovyan",
                "/home/jovyan /home/jovyan",
                r"b'jovyan\njovyan\njovyan\n'",
                "['jovyan', 'nobody', 'root']",
                "{''}",
            ],
        )
