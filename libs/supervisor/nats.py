"""The embedded nats-server: its configuration, and how to know that it serves.

Every acknowledged publish is on disk (`sync_interval: always`): an event that the API has
confirmed survives a power cut.

The platform has an account of its own, RONDO. Subscribers are let in by the API (`auth_callout`),
into SUBSCRIBERS: all that they reach of RONDO is what is imported here (docs/adr/0009).
"""

import asyncio
import json
import sysconfig
from pathlib import Path

from libs.natsjwt.issuer import Issuer
from libs.supervisor.folder import Folder, write_whole
from libs.supervisor.process import Program, Ready

_CONFIGURATION = """\
listen: "127.0.0.1:{port}"
server_name: "rondo"
max_payload: 1MB
{accounts}
jetstream {{
  store_dir: {store}
  max_mem: 256MB
  max_file: 1TB  # the disk is the limit
  sync_interval: always
}}
"""
_ACCOUNTS = """\
accounts {{
  RONDO {{
    jetstream: enabled
    users: [{{ user: "rondo", password: {password} }}]
    exports: [
      {{ service: "$JS.API.CONSUMER.MSG.NEXT.EVENTS.*", accounts: [SUBSCRIBERS]
        response_type: stream }}
      {{ service: "$JS.API.CONSUMER.INFO.EVENTS.*", accounts: [SUBSCRIBERS] }}
      {{ service: "$JS.ACK.EVENTS.>", accounts: [SUBSCRIBERS] }}
    ]
  }}
  SUBSCRIBERS {{
    imports: [
      {{ service: {{ account: RONDO, subject: "$JS.API.CONSUMER.MSG.NEXT.EVENTS.*" }} }}
      {{ service: {{ account: RONDO, subject: "$JS.API.CONSUMER.INFO.EVENTS.*" }} }}
      {{ service: {{ account: RONDO, subject: "$JS.ACK.EVENTS.>" }} }}
    ]
  }}
}}
authorization {{ auth_callout {{ account: RONDO, auth_users: [rondo], issuer: {issuer} }} }}
"""
_INTERVAL = 0.01  # seconds between two looks


def accounts(password: str, issuer: Issuer) -> str:
    """The part of a configuration that says who is let in: our services by this password."""
    return _ACCOUNTS.format(password=_quoted(password), issuer=issuer.public)


def nats_program(folder: Folder, port: int, token: Path, issuer: Path) -> Program:
    """nats-server on loopback `port`, storing under `folder`. Our services need what is in `token`;
    whom the key in `issuer` vouches for is let in too."""
    home = folder.part("nats")
    _adopt(home / "jetstream")
    # In a file of mode 0600, since an argument or a variable would show the token to others.
    configuration = _CONFIGURATION.format(
        port=port,
        accounts=accounts(token.read_text(), Issuer(issuer.read_text())),
        store=_quoted(str(home)),
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


def _adopt(store: Path) -> None:
    """What was kept before the platform had an account of its own goes on in it."""
    before = store / "$G"
    if before.exists() and not (store / "RONDO").exists():
        before.rename(store / "RONDO")


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
