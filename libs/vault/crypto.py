"""AES-256-GCM as printable texts: the only file that imports cryptography's ciphers.

A sealed text is `v1.<key id>.<nonce>.<ciphertext>`, the last two in URL-safe base64. The identity
of what it belongs to is authenticated with it, so a text can't be moved to something else, and so
are the version and the key id.
"""

import base64
import binascii
import os

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

KEY_BYTES = 32
_NONCE_BYTES = 12
_VERSION = "v1"


class CanNotOpen(Exception):
    """The text is damaged, sealed by another key, or belongs to something else."""


class Key:
    """A key and its id, which is no secret and holds no dot. Shows itself to nobody."""

    def __init__(self, id: str, material: bytes) -> None:
        """ValueError unless `material` has KEY_BYTES bytes."""
        if len(material) != KEY_BYTES:
            raise ValueError(f"a key has {KEY_BYTES} bytes, this one {len(material)}")
        self.id = id
        self._cipher = AESGCM(material)

    def __repr__(self) -> str:
        return f"Key({self.id!r})"

    def seal(self, plain: bytes, identity: str) -> str:
        """With a nonce drawn for this text: a key is good for 2^32 of them."""
        nonce = os.urandom(_NONCE_BYTES)
        ciphertext = self._cipher.encrypt(nonce, plain, _bound(self.id, identity))
        return f"{_VERSION}.{self.id}.{_text(nonce)}.{_text(ciphertext)}"

    def open(self, sealed: str, identity: str) -> bytes:
        """Raises CanNotOpen."""
        _, id, nonce, ciphertext = _parts(sealed)
        try:
            return self._cipher.decrypt(_bytes(nonce), _bytes(ciphertext), _bound(id, identity))
        except (InvalidTag, ValueError) as error:
            raise CanNotOpen(f"key {self.id} does not open this for {identity}") from error


def new_material() -> bytes:
    return os.urandom(KEY_BYTES)


def key_id(sealed: str) -> str:
    """Which key it was sealed with. Raises CanNotOpen when it is no sealed text."""
    return _parts(sealed)[1]


def _parts(sealed: str) -> list[str]:
    parts = sealed.split(".")
    if len(parts) != 4 or parts[0] != _VERSION:
        raise CanNotOpen("this is no sealed text")
    return parts


def _bound(id: str, identity: str) -> bytes:
    return f"{_VERSION}.{id}.{identity}".encode()


def _text(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode()


def _bytes(text: str) -> bytes:
    try:
        return base64.b64decode(text, altchars=b"-_", validate=True)
    except binascii.Error as error:
        raise CanNotOpen("this is no sealed text") from error
