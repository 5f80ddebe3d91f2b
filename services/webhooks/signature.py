"""Signatures by the Standard Webhooks specification: HMAC-SHA256 with a shared secret."""

import base64
import hashlib
import hmac
import secrets

PREFIX = "whsec_"
_KEY_BYTES = 32


def new_secret() -> str:
    """A random secret of 32 bytes, in the form that the specification gives it."""
    return PREFIX + base64.b64encode(secrets.token_bytes(_KEY_BYTES)).decode()


def headers(secret: str, id: str, timestamp: int, body: bytes) -> dict[str, str]:
    """The headers of a delivery. `id` is the message's; `timestamp` is the attempt's, in seconds
    since 1970."""
    key = base64.b64decode(secret.removeprefix(PREFIX))
    content = f"{id}.{timestamp}.".encode() + body
    digest = hmac.new(key, content, hashlib.sha256).digest()
    return {
        "webhook-id": id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": "v1," + base64.b64encode(digest).decode(),
    }
