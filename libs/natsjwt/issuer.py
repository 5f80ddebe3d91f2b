"""The issuer of NATS's tokens: the only file that imports nkeys.

The server's configuration names the issuer's public key (`auth_callout`), and lets in whom a token
signed by it lets in. A token is a JWT of NATS's own kind: `ed25519-nkey`, its claims under `nats`.
"""

import base64
import time
from collections.abc import Mapping
from hashlib import sha256
from typing import Any

import msgspec
import nkeys  # type: ignore[import-untyped]
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

_HEADER = {"typ": "JWT", "alg": "ed25519-nkey"}
_VERSION = 2

_encode = msgspec.json.Encoder(order="deterministic").encode


class Issuer:
    def __init__(self, pem: str) -> None:
        """`pem` is an Ed25519 key as PKCS8; ValueError for anything else."""
        key = load_pem_private_key(pem.encode(), password=None)
        if not isinstance(key, Ed25519PrivateKey):
            raise ValueError("this is no Ed25519 key")
        seed = nkeys.encode_seed(key.private_bytes_raw(), nkeys.PREFIX_BYTE_ACCOUNT)
        self._pair = nkeys.from_seed(seed)
        self.public = self._pair.public_key.decode()

    def user(self, key: str, account: str, name: str, rights: Mapping[str, Any]) -> str:
        """Lets the connection that `key` was made for into an account, with these rights and
        limits (the claims that NATS has for them)."""
        return self._signed(sub=key, aud=account, name=name, nats={**rights, "type": "user"})

    def answer(self, key: str, server: str, *, token: str = "", error: str = "") -> bytes:
        """To a server that asks about a connection: the user's token, or why it is refused."""
        said = {"jwt": token} if token else {"error": error}
        nats = {**said, "type": "authorization_response"}
        return self._signed(sub=key, aud=server, nats=nats).encode()

    def _signed(self, nats: Mapping[str, Any], **claims: str) -> str:
        whole = {
            **claims,
            "iss": self.public,
            "iat": int(time.time()),
            "nats": {**nats, "version": _VERSION},
        }
        whole["jti"] = base64.b32encode(sha256(_encode(whole)).digest()).decode().rstrip("=")
        signed = f"{_part(_encode(_HEADER))}.{_part(_encode(whole))}"
        return f"{signed}.{_part(self._pair.sign(signed.encode()))}"


def new_user_seed() -> str:
    """The secret half of a key by which a user of NATS signs the server's challenge."""
    key = Ed25519PrivateKey.generate().private_bytes_raw()
    seed: bytes = nkeys.encode_seed(key, nkeys.PREFIX_BYTE_USER)
    return seed.decode()


def is_user_seed(text: str) -> bool:
    """Whether it is such a half, rather than a password."""
    try:
        return text.startswith("SU") and bool(public_of(text))
    except (nkeys.NkeysError, ValueError):
        return False


def public_of(seed: str) -> str:
    """The public half, which the server is told."""
    public: bytes = nkeys.from_seed(seed.strip().encode()).public_key
    return public.decode()


def claims(token: bytes) -> bytes:
    """The claims of a token, whoever signed it, as JSON. ValueError when it is none."""
    _, payload, _ = token.split(b".")
    return base64.urlsafe_b64decode(payload + b"=" * (-len(payload) % 4))


def _part(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")
