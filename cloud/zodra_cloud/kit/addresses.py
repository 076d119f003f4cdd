"""Which network addresses the service may call. Pure.

`ipaddress.is_global` alone is not enough: Python 3.11 says True for 224.0.0.1, for NAT64 and 6to4
forms of 127.0.0.1, for ::127.0.0.1, fec0::1 and 192.0.0.8.
"""

from enum import StrEnum
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Final

Address = IPv4Address | IPv6Address


class Reach(StrEnum):
    """Whom an address leads to."""

    PUBLIC = "public"
    PRIVATE = "private"
    """This machine or this network: only for a peer that the settings allow there."""
    FORBIDDEN = "forbidden"
    """Nobody has business there: link-local, metadata services, multicast, reserved."""


_PRIVATE: Final = tuple(
    ip_network(text)
    for text in ("127.0.0.0/8", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10")
) + tuple(ip_network(text) for text in ("::1/128", "fc00::/7"))

_METADATA: Final = frozenset(
    ip_address(text)
    # Amazon and most others, Amazon over IPv6, Alibaba, and Azure's, which is a public address.
    for text in ("169.254.169.254", "fd00:ec2::254", "100.100.100.200", "168.63.129.16")
)

_RESERVED: Final = tuple(
    ip_network(text)
    for text in ("192.0.0.0/24", "192.88.99.0/24", "64:ff9b:1::/48", "2001::/23", "5f00::/16")
)
"""Protocol assignments, Teredo and relays that `is_global` lets through in part."""

_EMBEDDING: Final[tuple[tuple[IPv6Network, int], ...]] = (
    (IPv6Network("::ffff:0:0/96"), 0),
    (IPv6Network("::/96"), 0),
    (IPv6Network("64:ff9b::/96"), 0),
    (IPv6Network("2002::/16"), 80),
)
"""IPv6 networks whose addresses stand for an IPv4 address, and how far right it is shifted."""

_ISATAP: Final = frozenset({0x0000_5EFE, 0x0200_5EFE})


def classify(text: str) -> Reach:
    """Say whom an address leads to; text that is no address is forbidden.

    Args:
        text: an IPv4 or IPv6 address as a resolver gives it, with or without a zone.
    """
    try:
        address = ip_address(text.partition("%")[0])
    except ValueError:
        return Reach.FORBIDDEN
    return _classify(address)


def _classify(address: Address) -> Reach:
    if address in _METADATA:
        return Reach.FORBIDDEN
    # ::1 lies in the network of IPv4-compatible addresses, and is none.
    if any(_holds(network, address) for network in _PRIVATE):
        return Reach.PRIVATE
    if isinstance(address, IPv6Address) and (inner := _embedded(address)) is not None:
        # A detour to this machine or network is never how a peer is configured.
        return Reach.PUBLIC if _classify(inner) is Reach.PUBLIC else Reach.FORBIDDEN
    return Reach.PUBLIC if _is_public(address) else Reach.FORBIDDEN


def _is_public(address: Address) -> bool:
    special = (
        address.is_multicast
        or address.is_reserved
        or address.is_unspecified
        or address.is_link_local
        or (isinstance(address, IPv6Address) and address.is_site_local)
        or any(_holds(network, address) for network in _RESERVED)
    )
    return address.is_global and not special


def _embedded(address: IPv6Address) -> IPv4Address | None:
    bits = int(address)
    for network, shift in _EMBEDDING:
        if address in network:
            return IPv4Address(bits >> shift & 0xFFFF_FFFF)
    if bits >> 32 & 0xFFFF_FFFF in _ISATAP:
        return IPv4Address(bits & 0xFFFF_FFFF)
    return None


def _holds(network: IPv4Network | IPv6Network, address: Address) -> bool:
    return network.version == address.version and address in network
