"""On which ports runs can listen, and who binds their sockets for them."""

import socket
from pathlib import Path

import pytest

from libs.linux import process
from libs.supervisor import ports
from services.executor.local.backend import LocalBackend
from services.executor.local.child.port_broker import ALLOWED_PORTS, DEFAULT_KEPT_PORTS, parse_ports
from tests.contracts.test_backend_isolation import allowed, runs
from tests.executor.harness import Harness

__all__ = ["runs"]  # the fixture
# the fixture
OWN_PORTS = "They can't listen on the platform's ports"

ADDRESSES = [("AF_INET", "127.0.0.1"), ("AF_INET", "0.0.0.0"), ("AF_INET6", "::1")]  # noqa: S104

ADDRESSES += [("AF_INET6", "::"), ("AF_INET6", "::ffff:127.0.0.1")]

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


async def test_the_port_broker_ends_with_its_launcher(runs: Harness) -> None:
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
