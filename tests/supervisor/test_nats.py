"""What the embedded nats-server is started with."""

import stat
from pathlib import Path

from libs.natsjwt.issuer import Issuer
from libs.supervisor.folder import open_folder
from libs.supervisor.keys import ensure_secrets
from libs.supervisor.nats import nats_program


async def test_a_store_of_before_goes_on_in_the_platforms_account(tmp_path: Path) -> None:
    async with open_folder(tmp_path / "data") as folder:
        secrets = folder.part("secrets")
        ensure_secrets(secrets)
        store = folder.part("nats") / "jetstream"
        (store / "$G" / "streams" / "EVENTS").mkdir(parents=True)
        for _ in range(2):
            nats_program(folder, 4222, secrets / "nats-token", secrets / "nats-issuer")
            assert [path.name for path in store.iterdir()] == ["RONDO"]
        assert (store / "RONDO" / "streams" / "EVENTS").is_dir()
        configuration = folder.part("nats") / "nats.conf"
        assert stat.S_IMODE(configuration.stat().st_mode) == 0o600
        issuer = Issuer((secrets / "nats-issuer").read_text())
        assert issuer.public.startswith("A")
        assert f"issuer: {issuer.public}" in configuration.read_text()
