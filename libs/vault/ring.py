"""The key ring: the operator's keys, which protect the data keys and nothing else.

Its file has a line for each key, `<id> <32 bytes in base64>`, the newest last. The newest seals,
all of them open. An id is up to 64 letters, digits, `-` and `_`; empty lines and `#` comments are
left out.
"""

import base64
import binascii
import re
from datetime import UTC, datetime

from libs.vault.crypto import CanNotOpen, Key, key_id, new_material

_ID = re.compile(r"[\w-]{1,64}", re.ASCII)


class BadRing(ValueError):
    """The file is none. The message names the line and never shows a key."""


class KeyRing:
    def __init__(self, text: str) -> None:
        """Raises BadRing."""
        lines = [line.strip() for line in text.splitlines()]
        numbered = [
            (at, line) for at, line in enumerate(lines, start=1) if line[:1] not in ("", "#")
        ]
        self._keys: dict[str, Key] = {}
        for at, line in numbered:
            key = _key(at, line)
            if key.id in self._keys:
                raise BadRing(f"line {at}: key {key.id} is there twice; give each an id of its own")
            self._keys[key.id] = key
        if not self._keys:
            raise BadRing("no key in it; give a line '<id> <32 bytes in base64>'")

    @property
    def newest(self) -> Key:
        return next(reversed(self._keys.values()))

    def open(self, sealed: str, identity: str) -> bytes:
        """Raises CanNotOpen; its message names the key that the ring lacks."""
        key = self._keys.get(key_id(sealed))
        if key is None:
            raise CanNotOpen(f"key {key_id(sealed)} is not in the ring; put it back")
        return key.open(sealed, identity)


def new_line() -> str:
    """A new key as the file has it; its id tells when it was made."""
    id = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
    return f"{id} {base64.b64encode(new_material()).decode()}\n"


def _key(at: int, line: str) -> Key:
    id, _, text = line.partition(" ")
    if not _ID.fullmatch(id):
        raise BadRing(f"line {at}: the id is wrong; give letters, digits, '-' and '_'")
    try:
        return Key(id, base64.b64decode(text.strip(), validate=True))
    except (binascii.Error, ValueError) as error:
        raise BadRing(f"line {at}: key {id} is no 32 bytes in base64; make a new one") from error
