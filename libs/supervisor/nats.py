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

import msgspec

from libs.eventlog.server_identity import Server
from libs.linux.proc import started
from libs.linux.tcp import listens
from libs.natsjwt.issuer import Issuer, is_user_seed, public_of
from libs.supervisor.folder import Folder, write_whole
from libs.supervisor.ports import Ports
from libs.supervisor.process import Program
from libs.supervisor.terminal import Terminal

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
    users: [{user}]
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
authorization {{ auth_callout {{ account: RONDO, auth_users: [{name}], issuer: {issuer} }} }}
"""
_INTERVAL = 0.01  # seconds between two looks
KNOWN = Path("nats", "server.json")  # in the data folder: libs/eventlog/server_identity.py


def accounts(token: str, issuer: Issuer) -> str:
    """The part of a configuration that says who is let in: our services, by the key that the seed
    `token` stands for, of which the server knows the public half only; or by it as a password."""
    if is_user_seed(token):
        name = public_of(token)
        return _ACCOUNTS.format(user=f"{{ nkey: {name} }}", name=name, issuer=issuer.public)
    user = f'{{ user: "rondo", password: {_quoted(token)} }}'
    return _ACCOUNTS.format(user=user, name="rondo", issuer=issuer.public)


class EmbeddedNats:
    """nats-server on a loopback port of `ports`, storing under `folder`. Our services prove with
    the seed in the file `token` who they are, and look in the file `known` who it is."""

    def __init__(self, folder: Folder, ports: Ports, token: Path, terminal: Terminal) -> None:
        self._home = folder.part("nats")
        self._log = folder.part("log") / "nats.log"
        self._ports = ports
        self._terminal = terminal
        self._port = ports.pick("nats")
        self.token = token
        self.known = folder.path / KNOWN

    @property
    def url(self) -> str:
        return f"nats://127.0.0.1:{self._port}"

    def program(self, issuer: Path) -> Program:
        """Whom the key in the file `issuer` vouches for is let in too."""
        _adopt(self._home / "jetstream")
        who = accounts(self.token.read_text(), Issuer(issuer.read_text()))
        server = Path(sysconfig.get_path("scripts")) / "nats-server"
        return Program(
            name="nats",
            command=[str(server), "-c", str(self._home / "nats.conf")],
            folder=self._home,
            log=self._log,
            environment={},
            prepare=lambda: self._prepare(who),
        )

    async def ready(self, pid: int, _since: float) -> None:
        """It listens only after its streams are recovered. That somebody does says nothing."""
        address = ("127.0.0.1", self._port)
        try:
            while not listens(pid, address):  # noqa: ASYNC110 - a fact of another process
                await asyncio.sleep(_INTERVAL)
        finally:
            self._ports.take_back("nats")
        server = Server(url=self.url, pid=pid, started=started(pid))
        write_whole(self.known, msgspec.json.encode(server))

    def _prepare(self, who: str) -> None:
        if holder := self._ports.holder("nats"):
            taken, self._port = self._port, self._ports.move("nats")
            self._terminal.warn(
                "nats", f"{holder}, not ours, has its port {taken}: from now on {self._port}"
            )
        text = _CONFIGURATION.format(port=self._port, accounts=who, store=_quoted(str(self._home)))
        # In a file of mode 0600, since an argument or a variable would show it to others.
        write_whole(self._home / "nats.conf", text.encode())
        self._ports.lend("nats")


def _adopt(store: Path) -> None:
    """What was kept before the platform had an account of its own goes on in it."""
    before = store / "$G"
    if before.exists() and not (store / "RONDO").exists():
        before.rename(store / "RONDO")


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)
