"""Where a caller is, for bounds by address.

It is the other end of the connection. Only where that is one of RONDO_TRUSTED_PROXIES does
X-Forwarded-For count: its last entry that is not such a proxy itself. Whoever else sends that
header could say anything. Of IPv6 the first 64 bits are one address: that is what a household gets.
"""

import ipaddress
from collections.abc import Sequence
from functools import lru_cache

from aiohttp import web

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Networks = Sequence[ipaddress.IPv4Network | ipaddress.IPv6Network]


@lru_cache(maxsize=8)
def networks(text: str) -> Networks:
    """From `10.0.0.0/8, 192.0.2.1`. ValueError says what is none."""
    return [ipaddress.ip_network(part.strip()) for part in text.split(",") if part.strip()]


def caller(request: web.Request, proxies: str) -> str:
    """Where the request comes from; `proxies` is RONDO_TRUSTED_PROXIES."""
    found = _address(request.remote or "")
    if found is None:
        return ""
    trusted = networks(proxies)
    told = ",".join(request.headers.getall("X-Forwarded-For", []))
    for hop in reversed(told.split(",")):
        behind = _address(hop.strip())
        if behind is None or not any(found in network for network in trusted):
            break
        found = behind
    return _whole(found)


def _address(text: str) -> Address | None:
    try:
        found = ipaddress.ip_address(text.strip("[]").partition("%")[0])
    except ValueError:
        return None
    return getattr(found, "ipv4_mapped", None) or found


def _whole(address: Address) -> str:
    if isinstance(address, ipaddress.IPv4Address):
        return str(address)
    return str(ipaddress.ip_network((address, 64), strict=False))
