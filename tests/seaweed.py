"""A real S3 server for tests: SeaweedFS from its wheel, on free ports, in a folder."""

import http.client
import socket
import subprocess
import sys
import sysconfig
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlencode

from aiobotocore.session import get_session

from tests.servers import free_port

KEY, SECRET = "test-key", "test-secret"
_READY_WITHIN = 30  # seconds
_GRPC = 10_000  # above each port it takes another

# The server dies with the tests, however they end; the signal is lost over a fork, not an exec.
_LAUNCH = (
    "import os, signal, sys; from libs.linux.syscalls import die_with_parent;"
    "die_with_parent(signal.SIGKILL); os.execv(sys.argv[1], sys.argv[1:])"
)


@dataclass
class Seaweed:
    """A running server."""

    process: subprocess.Popen[bytes]
    port: int
    taken: list[int]  # all its ports

    def url(self, bucket: str, prefix: str = "") -> str:
        query = urlencode({"endpoint": f"http://127.0.0.1:{self.port}", "region": "us-east-1"})
        return f"s3://{bucket}/{prefix}?{query}"

    async def unfinished(self, bucket: str) -> list[str]:
        """The keys of multipart uploads under way, or left behind."""
        endpoint = f"http://127.0.0.1:{self.port}"
        async with get_session().create_client(
            "s3",
            endpoint_url=endpoint,
            region_name="us-east-1",
            aws_access_key_id=KEY,
            aws_secret_access_key=SECRET,
        ) as client:
            answer = await client.list_multipart_uploads(Bucket=bucket)
        return [upload["Key"] for upload in answer.get("Uploads", ())]

    def kill(self) -> None:
        """SIGKILL, as it takes 10 s to stop politely; and the sockets that it then leaves."""
        self.process.kill()
        self.process.wait()
        for port in self.taken:
            for left in Path("/tmp").glob(f"seaweedfs-*-{port}.sock"):
                left.unlink()


@contextmanager
def serve(folder: Path) -> Iterator[Seaweed]:
    """Run a server on what `folder` holds, ready when the block begins, dead when it ends."""
    server = _start(folder)
    try:
        yield server
    finally:
        server.kill()


def _start(folder: Path) -> Seaweed:
    deadline = time.monotonic() + _READY_WITHIN
    while time.monotonic() < deadline:
        server = _launch(folder)
        if _ready(server, deadline):
            return server
        server.kill()  # somebody took one of its ports meanwhile
    raise TimeoutError(f"SeaweedFS not ready: {(folder / 'log').read_text()[-2000:]}")


def _launch(folder: Path) -> Seaweed:
    folder.mkdir(parents=True, exist_ok=True)
    ports = _free_ports(5)
    s3, master, volume, filer, admin = ports
    weed = Path(sysconfig.get_path("scripts")) / "weed"
    arguments: list[str | Path] = [
        *(weed, "mini", f"-dir={folder}", "-ip=127.0.0.1", "-ip.bind=127.0.0.1"),
        *(f"-s3.port={s3}", f"-master.port={master}"),
        *(f"-volume.port={volume}", f"-filer.port={filer}", f"-admin.port={admin}"),
        *("-webdav=false", "-admin.ui=false", "-master.telemetry=false"),
        *("-s3.port.iceberg=0", "-s3.port.lance=0"),  # else on fixed ports
    ]
    environment = {"AWS_ACCESS_KEY_ID": KEY, "AWS_SECRET_ACCESS_KEY": SECRET, "HOME": str(folder)}
    with (folder / "log").open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, "-c", _LAUNCH, *arguments],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            env=environment,
        )
    return Seaweed(process, s3, [*ports, *(port + _GRPC for port in ports)])


def _ready(server: Seaweed, deadline: float) -> bool:
    """Wait until it answers; False when it has ended."""
    while server.process.poll() is None and time.monotonic() < deadline:
        connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=5)
        with closing(connection):
            try:
                connection.request("GET", "/")
                return connection.getresponse().status == http.HTTPStatus.FORBIDDEN
            except OSError:
                time.sleep(0.05)  # nothing tells us but asking again
    return False


def _free_ports(count: int) -> list[int]:
    """Ports that are free together with those for gRPC above them."""
    chosen: list[int] = []
    while len(chosen) < count:
        port = free_port()
        if _is_free(port + _GRPC):
            chosen.append(port)
    return chosen


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
