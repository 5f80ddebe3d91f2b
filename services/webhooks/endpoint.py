"""Where a subscription's events go, and the secret they go with: sealed wherever it rests (I9)."""

from ipaddress import ip_address
from urllib.parse import urlsplit
from uuid import UUID

import msgspec

from libs.domain.errors import Rejected
from libs.vault.vault import Vault
from services.webhooks.egress import Egress

MAX_URL_LENGTH = 2048


class Endpoint(msgspec.Struct, frozen=True):
    """`secret` signs what is sent to `url`; of a subscriber on NATS it is the password's digest."""

    secret: str
    url: str = ""

    def __repr__(self) -> str:
        return "Endpoint(***)"


def to_bytes(endpoint: Endpoint) -> bytes:
    """What is sealed of it."""
    return msgspec.json.encode(endpoint)


async def unseal(vault: Vault, id: UUID, text: str) -> Endpoint:
    """Raises Shredded once the subscription is deleted."""
    return msgspec.json.decode(await vault.open(id, text), type=Endpoint)


def checked_host(url: str, egress: Egress) -> str:
    """The host of a URL that webhooks may be sent to, as far as that can be told from the URL."""
    if len(url) > MAX_URL_LENGTH or not url.isascii() or not url.isprintable() or " " in url:
        raise Rejected(
            "invalid", f"url: give up to {MAX_URL_LENGTH} characters of ASCII without spaces"
        )
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        raise Rejected(
            "invalid", "url: this is none; give one like https://example.org/x"
        ) from None
    if parts.scheme not in ("https", "http") or not host or port == 0:
        raise Rejected("invalid", "url: give one that begins with https:// or http:// and a host")
    if parts.username is not None or parts.fragment:
        raise Rejected("invalid", "url: leave out user, password and what follows a '#'")
    _check(host, egress)
    return host


def _check(host: str, egress: Egress) -> None:
    """A name may turn out to be internal only when it is connected to."""
    try:
        address = ip_address(host.partition("%")[0])
    except ValueError:
        return
    if not egress.permits(address):
        raise Rejected(
            "invalid", f"url: {host} is an internal address; give a public one, or ask the operator"
        )
