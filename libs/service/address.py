"""Where a caller is, for bounds by address.

It is the other end of the connection. Only where that is one of RONDO_TRUSTED_PROXIES does
X-Forwarded-For count: its last entry that is not such a proxy itself. Whoever else sends that
header could say anything. Of IPv6 the first 64 bits are one address: that is what a household gets.
"""

import ipaddress
from collections.abc import Iterable, Sequence
from functools import lru_cache

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Networks = Sequence[ipaddress.IPv4Network | ipaddress.IPv6Network]


@lru_cache(maxsize=8)
def networks(text: str) -> Networks:
    """From `10.0.0.0/8, 192.0.2.1`. ValueError says what is none."""
    return [ipaddress.ip_network(part.strip()) for part in text.split(",") if part.strip()]


def of_caller(peer: str, forwarded: Iterable[str], proxies: str) -> str:
    """`forwarded` are the lines of X-Forwarded-For, `proxies` is RONDO_TRUSTED_PROXIES."""
    for hop in reversed(",".join(forwarded).split(",")):
        behind = _parsed(hop.strip())
        if behind is None or not is_one_of(peer, proxies):
            break
        peer = str(behind)
    return whole(peer)


def is_one_of(peer: str, proxies: str) -> bool:
    found = _parsed(peer)
    return found is not None and any(found in network for network in networks(proxies))


def whole(peer: str) -> str:
    """What is counted as one address; empty where that can't be said."""
    found = _parsed(peer)
    if isinstance(found, ipaddress.IPv6Address):
        return str(ipaddress.ip_network((found, 64), strict=False))
    return "" if found is None else str(found)


def _parsed(text: str) -> Address | None:
    try:
        found = ipaddress.ip_address(text.strip("[]").partition("%")[0])
    except ValueError:
        return None
    return getattr(found, "ipv4_mapped", None) or found
