"""No spelling of an address hides where it leads."""

from ipaddress import IPv4Address, IPv6Address, ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zodra_cloud.kit.addresses import Reach, classify

PUBLIC = ["93.184.215.14", "8.8.8.8", "2606:2800:21f:cb07:6820:80da:af6b:8b2c", "64:ff9b::808:808"]
PRIVATE = [
    *("127.0.0.1", "127.255.255.254", "10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1"),
    *("100.64.0.1", "::1", "fd00::1", "fc00::1"),
]
FORBIDDEN = [
    *("169.254.169.254", "fd00:ec2::254", "100.100.100.200", "168.63.129.16", "169.254.0.1"),
    *("0.0.0.0", "0.1.2.3", "::", "255.255.255.255", "224.0.0.1", "240.0.0.1", "192.0.0.8"),
    *("192.0.2.1", "198.18.0.1", "198.51.100.7", "203.0.113.9", "192.88.99.1"),
    *("fe80::1", "fe80::1%eth0", "fec0::1", "ff02::1", "2001:db8::1", "2001::1", "100::1"),
    *("::ffff:127.0.0.1", "::ffff:10.0.0.1", "::127.0.0.1", "64:ff9b::7f00:1", "64:ff9b:1::1"),
    *("2002:7f00:1::", "2002:a9fe:a9fe::1", "::ffff:169.254.169.254", "2600::5efe:127.0.0.1"),
    *("2130706433", "0x7f000001", "127.1", "0177.0.0.1", "localhost", "", "1.2.3.4.5", "[::1]"),
]


@pytest.mark.parametrize(
    ("text", "reach"),
    [
        *((text, Reach.PUBLIC) for text in PUBLIC),
        *((text, Reach.PRIVATE) for text in PRIVATE),
        *((text, Reach.FORBIDDEN) for text in FORBIDDEN),
    ],
)
def test_where_an_address_leads(text: str, reach: Reach) -> None:
    assert classify(text) is reach


addresses_v4 = st.ip_addresses(v=4).map(lambda each: IPv4Address(int(each)))


@given(addresses_v4)
def test_an_ipv4_address_in_an_ipv6_form_is_never_better_off(address: IPv4Address) -> None:
    plain, number = classify(str(address)), int(address)
    forms = [
        IPv6Address(0xFFFF << 32 | number),
        IPv6Address(0x0064_FF9B << 96 | number),
        IPv6Address(0x2002 << 112 | number << 80 | 1),
        IPv6Address(0x2600 << 112 | 0x5EFE << 32 | number),
    ]
    expected = Reach.PUBLIC if plain is Reach.PUBLIC else Reach.FORBIDDEN
    assert {classify(str(form)) for form in forms} == {expected}


@given(st.ip_addresses(v=4) | st.ip_addresses(v=6).filter(lambda each: int(each) >> 120))
def test_what_is_not_global_is_never_public(address: object) -> None:
    known = ip_address(str(address))
    if not known.is_global or known.is_multicast or known.is_reserved or known.is_link_local:
        assert classify(str(address)) is not Reach.PUBLIC


@given(st.text(max_size=50))
def test_any_text_is_judged(text: str) -> None:
    assert classify(text) in Reach
