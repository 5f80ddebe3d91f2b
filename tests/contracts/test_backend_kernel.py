"""What the kernel keeps or shares beside files: ports, memory, queues, keys, names of accounts."""

import socket
from pathlib import Path

import pytest

from libs.linux import process
from libs.supervisor import ports
from services.executor.backend import Limits
from services.executor.local.backend import LocalBackend
from services.executor.local.child import syscall_filter
from services.executor.local.child.port_broker import ALLOWED_PORTS, DEFAULT_KEPT_PORTS, parse_ports
from tests.contracts.test_backend import MiB
from tests.contracts.test_backend_isolation import OWN_UID, OWN_VIEW, allowed, runs
from tests.executor.harness import Harness

__all__ = ["runs"]  # the fixture

OWN_PORTS = "They can't listen on the platform's ports"
ADDRESSES = [("AF_INET", "127.0.0.1"), ("AF_INET", "0.0.0.0"), ("AF_INET6", "::1")]  # noqa: S104
ADDRESSES += [("AF_INET6", "::"), ("AF_INET6", "::ffff:127.0.0.1")]

LIBC = """
import ctypes, errno, os
libc = ctypes.CDLL(None, use_errno=True)
def call(function, *arguments):
    ctypes.set_errno(0)
    result = function(*arguments)
    return result if result >= 0 else errno.errorcode[ctypes.get_errno()]
"""
BIND = """
import errno, socket
def bound(family, address, port, *protocol):
    try:
        with socket.socket(getattr(socket, family), socket.SOCK_STREAM, *protocol) as server:
            server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            server.bind((address, port))
            server.listen()
            return server.getsockname()[1]
    except OSError as error:
        return errno.errorcode[error.errno]
"""


def launcher_of(runs: Harness) -> int:
    """Its pid, which only the local backend tells."""
    assert isinstance(runs.backend, LocalBackend)
    return runs.backend.launcher_pid


def free_port() -> int:
    """Of the kernel's range for any port."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


async def test_no_run_listens_on_a_port_of_the_platform(runs: Harness) -> None:
    allowed(runs, OWN_PORTS)
    with ports.reserve() as ours:
        tried = [ours.getsockname()[1], ports.FIRST, ports.LAST]
        script = f"print({{bound(*at, port) for at in {ADDRESSES} for port in {tried}}})"
        _, out, err = await runs.run(BIND + script)
    assert (out, err) == ("{'EACCES'}\n", "")


async def test_no_other_protocol_takes_callers_of_tcp(runs: Harness) -> None:
    """A socket of MPTCP (262) or SMC (256) serves them, and is no socket of TCP for Landlock."""
    allowed(runs, OWN_PORTS)
    _, out, err = await runs.run(
        f"{BIND}\nprint({{bound('AF_INET', '', {ports.FIRST}, kind) for kind in (262, 256)}})"
    )
    assert (out, err) == ("{'EPROTONOSUPPORT'}\n", "")


async def test_a_port_that_is_changed_while_it_is_looked_at_is_not_bound(runs: Harness) -> None:
    allowed(runs, OWN_PORTS)
    script = f"""
        import ctypes, socket, threading, time
        libc = ctypes.CDLL(None)
        address = ctypes.create_string_buffer(16)
        address[0] = socket.AF_INET
        def put(port):
            address[2:4] = port.to_bytes(2, "big")
        over, got = time.monotonic() + 2, set()
        def change():
            while time.monotonic() < over:
                put({ports.FIRST})
                put(0)
        threading.Thread(target=change).start()
        while time.monotonic() < over:
            with socket.socket() as one:
                if libc.bind(one.fileno(), address, 16) == 0:
                    got.add(one.getsockname()[1] == {ports.FIRST})
        print(got)
    """
    _, out, err = await runs.run(script)
    assert (out, err) == ("{False}\n", "")


async def test_a_run_does_not_say_which_free_port_it_is_given(runs: Harness) -> None:
    """A machine's range of these may include the platform's."""
    allowed(runs, OWN_PORTS)
    script = f"""
        import errno, socket
        for family in socket.AF_INET, socket.AF_INET6:
            with socket.socket(family) as one:
                try:
                    one.setsockopt(socket.IPPROTO_IP, 51, {ports.FIRST} | {ports.FIRST} << 16)
                except OSError as error:
                    print(errno.errorcode[error.errno])
                one.setsockopt(socket.IPPROTO_IP, socket.IP_TTL, 51)
                one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    """
    _, out, err = await runs.run(script)
    assert (out, err) == ("ENOPROTOOPT\nENOPROTOOPT\n", "")


async def test_whatever_a_run_calls_itself_its_own_socket_is_bound(runs: Harness) -> None:
    """A name comes before all else in /proc; the kernel cuts long ones in the middle of a letter,
    and it may look like the lines below it."""
    script = rf"""
        import ctypes, socket
        libc = ctypes.CDLL(None)
        for name in b"vierzehn_mal_\xc3\xbcber", b"\xff", b"Tgid:\t1", b"Tgid: x", b"x\nTgid: 1":
            libc.prctl(15, name)
            with socket.socket() as server:
                server.bind(("127.0.0.1", {free_port()}))
                print(server.getsockname()[1])
    """
    outcome, out, err = await runs.run(script)
    assert (outcome.status, len(set(out.split())), len(out.split()), err) == ("success", 1, 5, "")


async def test_asking_to_bind_what_is_no_socket_costs_nobody_a_descriptor(runs: Harness) -> None:
    folder = Path(f"/proc/{launcher_of(runs)}/fd")
    script = """
        import ctypes, os
        libc = ctypes.CDLL(None)
        places = [os.open(os.devnull, os.O_RDONLY), *os.pipe(), 999]
        print({libc.bind(each, bytes(16), 16) for each in places * 50})
    """
    await runs.run("pass")
    before = len(list(folder.iterdir()))
    _, out, err = await runs.run(script)
    assert (out, err) == ("{-1}\n", "")
    assert len(list(folder.iterdir())) < before + 50


async def test_a_run_listens_on_all_other_ports(runs: Harness) -> None:
    """As scripts do: on any port, on one that was free a moment ago, on one that they know."""
    tried = [free_port(), next(port for port in ALLOWED_PORTS if _is_free(port))]
    script = f"""
print(bound("AF_INET", "127.0.0.1", 0) > 1023, bound("AF_INET6", "::1", 0) > 1023)
print([bound(*at, port) == port for port in {tried} for at in {ADDRESSES}])
"""
    _, out, err = await runs.run(BIND + script)
    assert (out, err) == (f"True True\n{[True] * 10}\n", "")


async def test_it_serves_and_connects(runs: Harness) -> None:
    script = f"""
        import errno, socket, threading, urllib.request
        from http.server import HTTPServer, SimpleHTTPRequestHandler
        server = HTTPServer(("127.0.0.1", {free_port()}), SimpleHTTPRequestHandler)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        address = "http://127.0.0.1:%d/main.py" % server.server_port
        print(urllib.request.urlopen(address, timeout=20).status)
        for wrong in server.server_port, {free_port()}:
            try:
                (socket.socket() if wrong == server.server_port else server.socket).bind(
                    ("127.0.0.1", wrong))
            except OSError as error:
                print(errno.errorcode[error.errno])
    """
    _, out, _ = await runs.run(script)
    assert out == "200\nEADDRINUSE\nEINVAL\n"


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


async def test_shared_memory_has_the_size_of_the_disk_limit(runs: Harness) -> None:
    allowed(runs, OWN_VIEW)
    script = """
        import os
        with open("/dev/shm/a", "wb") as file:
            try:
                for _ in range(9): file.write(bytes(1 << 20)); file.flush()
            except OSError as error:
                print(error.strerror)
        os.truncate("/dev/shm/a", 1 << 20)
        import signal; signal.pause()
    """
    limits = Limits(disk_bytes=8 * MiB)
    run = await runs.start(runs.spec(script, limits=limits))
    await run.out.until("No space left on device")
    await run.running.stop("killed")
    script = """
        import signal
        for name in ("/dev/shm/a", "/tmp/b"):
            open(name, "wb").write(bytes(5 << 20))
        signal.pause()
    """
    outcome, _, err = await runs.run(script, limits=limits)
    assert (outcome.status, outcome.reason, err) == ("failure", "disk_quota", "")


async def test_shared_memory_is_private_or_closed(runs: Harness) -> None:
    script = """
        import os
        try:
            open("/dev/shm/left", "x"); print("made")
        except OSError as error:
            print(type(error).__name__)
    """
    _, first, _ = await runs.run(script)
    _, second, _ = await runs.run(script)
    expected = "made\n" if runs.able(OWN_VIEW) or runs.able(OWN_UID) else "PermissionError\n"
    assert first == second == expected


@pytest.mark.parametrize(
    "use",
    [
        "multiprocessing.Pool(2)",
        "multiprocessing.Queue()",
        "multiprocessing.Array('i', 10)",
        "concurrent.futures.ProcessPoolExecutor(1).submit(abs, 1)",
        "multiprocessing.shared_memory.SharedMemory(create=True, size=10)",
    ],
)
async def test_what_fails_without_shared_memory_is_told_why(runs: Harness, use: str) -> None:
    imports = "import concurrent.futures, multiprocessing, multiprocessing.shared_memory"
    outcome, _, err = await runs.run(f"{imports}\nkept = {use}\n")
    told = runs.backend.explain(err.encode())
    if runs.able(OWN_VIEW) or runs.able(OWN_UID):
        assert told == ""
    else:
        assert outcome.status == "failure"
        assert "/dev/shm" in told
        assert "namespaces" in told


async def test_other_failures_are_not_explained_by_it(runs: Harness) -> None:
    _, _, err = await runs.run("open('/proc/1/mem')")
    assert "PermissionError" in err
    assert runs.backend.explain(err.encode()) == ""


async def test_terminals_of_others_are_out_of_sight(runs: Harness) -> None:
    script = """
        import os, pty
        try:
            print(os.listdir("/dev/pts"), len(pty.openpty()))
        except OSError as error:
            print(error)
    """
    _, out, err = await runs.run(script)
    if runs.able(OWN_VIEW):
        assert (out, err) == ("['ptmx'] 2\n", "")
    elif not runs.able(OWN_UID):
        assert out.endswith("out of pty devices\n")


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


async def test_its_porter_ends_with_it(runs: Harness) -> None:
    launcher = launcher_of(runs)
    below = process.descendants(launcher)
    await runs.backend.close()
    assert below
    assert not any(process.children(pid) for pid in (launcher, *below))


def test_the_ports_that_are_kept_are_those_that_are_picked() -> None:
    assert f"{ports.FIRST}-{ports.LAST}" == DEFAULT_KEPT_PORTS
    assert not parse_ports(DEFAULT_KEPT_PORTS) & set(ALLOWED_PORTS)
    assert len(ALLOWED_PORTS) < 20  # each costs each run 0.2 us
    assert parse_ports("20-22,8080,0") == {20, 21, 22, 8080}
    for wrong in ("a", "9-8", "70000", "-1"):
        with pytest.raises(ValueError, match=r"ports|invalid literal"):
            parse_ports(wrong)


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) != 0
