"""Advertising structures become bleak's values; broken ones are left out."""

from bumble import hci
from bumble.device import Advertisement
from hypothesis import given
from hypothesis import strategies as st

from zodra_sim.radio.heard import advertisement_data, uuid_text


def advert(data: bytes) -> Advertisement:
    return Advertisement(hci.Address("F4:C1:38:00:00:02"), rssi=-50, data_bytes=data)


def test_each_kind_of_structure() -> None:
    data = advertisement_data(
        advert(
            bytes.fromhex("020106")
            + bytes.fromhex("050 30d18 0f18".replace(" ", ""))
            + b"\x03\x09AB"
            + b"\x02\x0a\xfc"
            + bytes.fromhex("05ffa90b0102")
            + bytes.fromhex("0416d2fc40")
        )
    )
    assert data.local_name == "AB"
    assert data.tx_power == -4
    assert data.manufacturer_data == {0x0BA9: b"\x01\x02"}
    assert data.service_data == {"0000fcd2-0000-1000-8000-00805f9b34fb": b"\x40"}
    assert data.service_uuids == [
        "0000180d-0000-1000-8000-00805f9b34fb",
        "0000180f-0000-1000-8000-00805f9b34fb",
    ]


def test_uuids_of_every_length() -> None:
    assert uuid_text(b"\x0d\x18") == "0000180d-0000-1000-8000-00805f9b34fb"
    assert uuid_text(b"\x0d\x18\x00\x00") == "0000180d-0000-1000-8000-00805f9b34fb"
    assert uuid_text(bytes(range(16))) == "0f0e0d0c-0b0a-0908-0706-050403020100"


@given(st.binary(max_size=31))
def test_any_bytes_may_be_on_the_air(data: bytes) -> None:
    found = advertisement_data(advert(data))
    assert found.rssi == -50
