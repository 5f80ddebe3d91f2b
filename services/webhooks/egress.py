"""Which addresses webhooks may be sent to: public ones, and what the operator allows beside them.

The check is of the address of a connection, at the moment when it is made. What a name resolved to
earlier, or resolves to elsewhere, does not matter then.
"""

import socket
from collections.abc import Sequence
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_network,
)

import aiohttp

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

# Where some clouds' machines reach their host; Python takes some of them for public.
_INTERNAL_NETWORKS = [ip_network("168.63.129.16"), ip_network("192.0.0.0/24")]
_GLOBAL_UNICAST = IPv6Network("2000::/3")
_NAT64 = IPv6Network("64:ff9b::/96")  # an IPv4 address in its last four bytes
_COMPATIBLE = IPv6Network("::/96")  # likewise, of old


class InternalAddress(OSError):
    """A webhook's address is internal, and the operator has not allowed it."""


class Egress:
    """Permits public addresses, and those in the `allowed` networks."""

    def __init__(self, allowed: Sequence[Network]) -> None:
        self._allowed = allowed

    @staticmethod
    def of(text: str) -> "Egress":
        """From text such as `10.1.0.0/16, 127.0.0.1`. Raises ValueError for what is no network."""
        return Egress([ip_network(each.strip()) for each in text.split(",") if each.strip()])

    def permits(self, address: Address) -> bool:
        """Whether webhooks may be sent to the address. An IPv6 address that holds one of
        IPv4 is judged by that."""
        real = _real(address)
        if any(each in network for each in (address, real) for network in self._allowed):
            return True
        return _is_public(real)

    def connector(self) -> aiohttp.TCPConnector:
        """A connector that checks each address it connects to. It has no limit of connections, so
        that a slow receiver holds up nobody else."""
        return aiohttp.TCPConnector(limit=0, socket_factory=self._socket, use_dns_cache=False)

    def _socket(self, info: aiohttp.AddrInfoType) -> socket.socket:
        """For a connection that is about to be made; InternalAddress if it must not be."""
        family, kind, protocol, _, at = info
        address = ip_address(str(at[0]).partition("%")[0])
        if not self.permits(address):
            raise InternalAddress(f"{address} is an internal address, which nothing is sent to")
        return socket.socket(family, kind, protocol)


def _is_public(address: Address) -> bool:
    if isinstance(address, IPv6Address) and address not in _GLOBAL_UNICAST:
        return False
    if any(address in network for network in _INTERNAL_NETWORKS):
        return False
    return address.is_global and not address.is_multicast


def _real(address: Address) -> Address:
    """The IPv4 address within one of IPv6, where there is one."""
    if isinstance(address, IPv4Address):
        return address
    if address in _NAT64 or (address in _COMPATIBLE and int(address) > 1):
        return IPv4Address(address.packed[-4:])
    within = address.ipv4_mapped or address.sixtofour
    if within is None and address.teredo is not None:
        within = address.teredo[1]
    return within or address
