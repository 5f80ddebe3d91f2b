"""The embedded nats-server: its configuration, and how to know that it serves.

Every acknowledged publish is on disk (`sync_interval: always`): an event that the API has
confirmed survives a power cut.
"""

import asyncio
import json
import sysconfig
from pathlib import Path

from libs.supervisor.folder import Folder, write_whole
from libs.supervisor.process import Program, Ready

_CONFIGURATION = """\
listen: "127.0.0.1:{port}"
server_name: "rondo"
max_payload: 1MB
authorization {{ token: {token} }}
jetstream {{
  store_dir: {store}
  max_mem: 256MB
  max_file: 1TB  # the disk is the limit
  sync_interval: always
}}
"""
_INTERVAL = 0.01  # seconds between two looks


def nats_program(folder: Folder, port: int, token: Path) -> Program:
    """nats-server on loopback `port`, storing under `folder`; clients need the token in `token`."""
    home = folder.part("nats")
    # In a file of mode 0600, since an argument or a variable would show the token to others.
    configuration = _CONFIGURATION.format(
        port=port, token=_quoted(token.read_text()), store=_quoted(str(home))
    )
    write_whole(home / "nats.conf", configuration.encode())
    server = Path(sysconfig.get_path("scripts")) / "nats-server"
    return Program(
        name="nats",
        command=[str(server), "-c", str(home / "nats.conf")],
        folder=home,
        log=folder.part("log") / "nats.log",
        environment={},
    )


def nats_ready(port: int) -> Ready:
    """It serves once it greets: it listens only after its streams are recovered."""

    async def ready(_pid: int, _since: float) -> None:
        while not await _greets(port):  # noqa: ASYNC110 - a fact of another process
            await asyncio.sleep(_INTERVAL)

    return ready


async def _greets(port: int) -> bool:
    try:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return False
    try:
        return (await reader.readline()).startswith(b"INFO ")
    except OSError:
        return False
    finally:
        writer.close()


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)
