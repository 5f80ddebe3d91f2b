"""What the embedded nats-server is started with."""

import socket
import stat
from pathlib import Path

from libs.natsjwt.issuer import Issuer, public_of
from libs.supervisor.folder import open_folder
from libs.supervisor.keys import ensure_secrets
from libs.supervisor.nats import EmbeddedNats
from libs.supervisor.ports import Ports
from libs.supervisor.terminal import Terminal


async def test_a_store_of_before_goes_on_in_the_platforms_account(tmp_path: Path) -> None:
    async with open_folder(tmp_path / "data") as folder:
        secrets = folder.part("secrets")
        ensure_secrets(secrets)
        store = folder.part("nats") / "jetstream"
        (store / "$G" / "streams" / "EVENTS").mkdir(parents=True)
        token = secrets / "nats-token"
        for _ in range(2):
            with Ports(folder.path / "ports.json") as ports:
                server = EmbeddedNats(folder, ports, token, Terminal())
                server.program(secrets / "nats-issuer").prepare()
                # However quick the server is that is started now, it finds its port free.
                with socket.create_server(("127.0.0.1", int(server.url.rpartition(":")[2]))):
                    pass
            assert [path.name for path in store.iterdir()] == ["RONDO"]
        assert (store / "RONDO" / "streams" / "EVENTS").is_dir()
        configuration = folder.part("nats") / "nats.conf"
        assert stat.S_IMODE(configuration.stat().st_mode) == 0o600
        issuer = Issuer((secrets / "nats-issuer").read_text())
        assert issuer.public.startswith("A")
        assert f"issuer: {issuer.public}" in configuration.read_text()
        assert f"nkey: {public_of(token.read_text())}" in configuration.read_text()
        assert token.read_text() not in configuration.read_text()


def test_a_password_of_before_becomes_a_key(tmp_path: Path) -> None:
    (tmp_path / "nats-token").write_text("ab" * 32)
    assert "nats-token" in ensure_secrets(tmp_path)
    made = (tmp_path / "nats-token").read_text()
    assert public_of(made).startswith("U")
    assert ensure_secrets(tmp_path) == set()
    assert (tmp_path / "nats-token").read_text() == made
