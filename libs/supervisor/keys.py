"""The instance's secrets: each made once, in a file of mode 0600; services are told the path."""

import secrets
from collections.abc import Callable
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from libs.natsjwt.issuer import is_user_seed, new_user_seed
from libs.supervisor.folder import write_whole
from libs.vault.ring import new_line


def _signing_key() -> bytes:
    return Ed25519PrivateKey.generate().private_bytes(
        Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()
    )


def _password() -> bytes:
    return secrets.token_urlsafe(18).encode()


def _token() -> bytes:
    return secrets.token_hex(32).encode()


def _user_seed() -> bytes:
    return new_user_seed().encode()


def _key_ring() -> bytes:
    return new_line().encode()


_MAKERS: dict[str, Callable[[], bytes]] = {
    "signing-key": _signing_key,  # Ed25519, PKCS8 PEM
    "task-key": _signing_key,
    "vault-key": _key_ring,  # see libs/vault/ring.py
    "admin-password": _password,
    "internal-token": _token,
    "nats-token": _user_seed,
    "nats-issuer": _signing_key,
    "postgres-password": _token,
}


def ensure_secrets(folder: Path) -> set[str]:
    """Make the secrets that `folder` lacks; their names. Those that are there keep their content,
    and are for our eyes only again if somebody has changed that."""
    for path in folder.iterdir():
        path.chmod(0o600)
    missing = {name for name in _MAKERS if not (folder / name).exists()}
    if "nats-token" not in missing and not is_user_seed((folder / "nats-token").read_text()):
        missing.add("nats-token")  # once a password, which whoever stood in for NATS was told
    for name in missing:
        write_whole(folder / name, _MAKERS[name]())
    return missing
