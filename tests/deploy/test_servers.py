"""The secrets and settings that other people's servers get, tried on those servers."""

import configparser
import json
import re
import shutil
import stat
import subprocess
import sysconfig
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from libs.natsjwt.issuer import Issuer
from libs.supervisor.nats import accounts
from tests.deploy.compose import ROOT

FOR_ALL = {"nats_auth.conf", "postgres_password", "s3_identities.json", "s3_security.toml"}


def test_nats_takes_its_configuration(tmp_path: Path, secrets: Path) -> None:
    shutil.copy(ROOT / "deploy/nats.conf", tmp_path / "nats.conf")
    shutil.copy(secrets / "nats_auth.conf", tmp_path / "auth.conf")
    server = Path(sysconfig.get_path("scripts")) / "nats-server"
    subprocess.run([server, "-t", "-c", tmp_path / "nats.conf"], check=True)
    assert "sync_interval: always" in (tmp_path / "nats.conf").read_text()
    token = (secrets / "nats_token").read_text().strip()
    issuer = Issuer((secrets / "nats_issuer.pem").read_text())
    assert (tmp_path / "auth.conf").read_text() == (
        f'RONDO_PASSWORD: "{token}"\nRONDO_ISSUER: "{issuer.public}"\n'
    )


def test_subscribers_reach_as_much_as_under_rondo_up(secrets: Path) -> None:
    issuer = Issuer((secrets / "nats_issuer.pem").read_text())
    ours = accounts("made-up", issuer)
    ours = ours.replace('"made-up"', "$RONDO_PASSWORD").replace(issuer.public, "$RONDO_ISSUER")
    theirs = re.sub(r"#.*", "", (ROOT / "deploy/nats.conf").read_text())
    assert " ".join(ours.split()) in " ".join(theirs.split())


def test_both_sides_of_postgres_have_the_same_password(secrets: Path) -> None:
    *place, password = (secrets / "pgpass").read_text().strip().split(":")
    assert place == ["postgres", "5432", "rondo", "rondo"]
    assert password == (secrets / "postgres_password").read_text()
    assert len(password) >= 32


def test_both_sides_of_s3_have_the_same_key(secrets: Path) -> None:
    ours = configparser.ConfigParser()
    ours.read(secrets / "aws_credentials")
    (identity,) = json.loads((secrets / "s3_identities.json").read_text())["identities"]
    (theirs,) = identity["credentials"]
    assert theirs["accessKey"] == ours["default"]["aws_access_key_id"]
    assert theirs["secretKey"] == ours["default"]["aws_secret_access_key"]


def test_the_signing_key(secrets: Path) -> None:
    key = load_pem_private_key((secrets / "signing_key.pem").read_bytes(), password=None)
    assert isinstance(key, Ed25519PrivateKey)


def test_who_may_read_what(secrets: Path) -> None:
    assert stat.S_IMODE(secrets.stat().st_mode) == 0o700
    for path in secrets.iterdir():
        expected = 0o644 if path.name in FOR_ALL else 0o600
        assert stat.S_IMODE(path.stat().st_mode) == expected, path.name


def test_secrets_are_not_made_over(secrets: Path) -> None:
    before = {path: path.read_bytes() for path in secrets.iterdir()}
    with pytest.raises(subprocess.CalledProcessError):
        subprocess.run([ROOT / "deploy/make-secrets.sh", secrets], check=True)
    assert {path: path.read_bytes() for path in secrets.iterdir()} == before
    assert list(secrets.parent.iterdir()) == [secrets]
