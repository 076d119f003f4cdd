"""BTHome frames against the format's published example, captured frames and another decoder."""

import logging
import struct
from collections.abc import Iterator

import pytest
from bleak.backends.device import BLEDevice
from bthome_ble import BTHomeBluetoothDeviceData
from habluetooth import BluetoothServiceInfoBleak
from hypothesis import given
from hypothesis import strategies as st

from zodra_sim.devices import bthome

ADDRESS = "A4:C1:38:00:00:01"
KEY = bytes.fromhex("231d39c1d7cc1ab1aee224cd096db932")
UUID = "0000fcd2-0000-1000-8000-00805f9b34fb"


@pytest.fixture(autouse=True)
def _quiet_library() -> Iterator[None]:
    logging.getLogger("bthome_ble").disabled = True
    yield
    logging.getLogger("bthome_ble").disabled = False


def test_the_published_example_of_the_format() -> None:
    """bthome.io/encryption: 25.06 C and 50.55 %, counter 00112233."""
    sealed = bthome.encrypted(
        bytes.fromhex("02ca0903bf13"),
        "54:48:E6:8F:80:A5",
        KEY,
        struct.unpack("<I", bytes.fromhex("00112233"))[0],
        triggered=False,
    )
    assert sealed.hex() == "41a47266c95f730011223378237214"


@pytest.mark.parametrize(
    ("packet_id", "event", "captured"),
    [(227, 1, "4400e301643a01"), (229, 2, "4400e501643a02")],
    ids=["single click", "double click"],
)
def test_frames_captured_from_a_shelly_blu_button(
    packet_id: int, event: int, captured: str
) -> None:
    assert bthome.plain(bthome.objects(packet_id, 100, [event])).hex() == captured


@given(
    packet_id=st.integers(0, 255),
    battery=st.integers(0, 100),
    event=st.sampled_from([1, 2, 3, 4]),
    counter=st.integers(100, bthome.COUNTER_MAX),
)
def test_another_decoder_reads_what_was_written(
    packet_id: int, battery: int, event: int, counter: int
) -> None:
    sealed = bthome.encrypted(bthome.objects(packet_id, battery, [event]), ADDRESS, KEY, counter)
    parser = BTHomeBluetoothDeviceData(bindkey=KEY)
    update = parser.update(
        BluetoothServiceInfoBleak(
            name="",
            address=ADDRESS,
            rssi=-60,
            manufacturer_data={},
            service_data={UUID: sealed},
            service_uuids=[],
            source="",
            device=BLEDevice(ADDRESS, None, {}),
            advertisement=None,
            connectable=False,
            time=0,
            tx_power=None,
        )
    )
    values = {key.key: value.native_value for key, value in update.entity_values.items()}
    assert (values["packet_id"], values["battery"]) == (packet_id, battery)
    names = ["press", "double_press", "triple_press", "long_press"]
    assert [one.event_type for one in update.events.values()] == [names[event - 1]]


@pytest.mark.parametrize("counter", [0, -1, bthome.COUNTER_MAX + 1])
def test_a_counter_outside_its_range_is_refused(counter: int) -> None:
    with pytest.raises(ValueError, match=r"outside 1\.\.4294967295"):
        bthome.encrypted(b"\x00\x01", ADDRESS, KEY, counter)


def test_the_name_is_left_out_where_it_does_not_fit() -> None:
    body = bthome.objects(1, 100, [1])
    short = bthome.advertisement(bthome.plain(body), "SBBT-002C")
    long = bthome.advertisement(bthome.encrypted(body, ADDRESS, KEY, 1), "SBBT-002C")
    assert short.endswith(b"\x0a\x09SBBT-002C")
    assert b"SBBT" not in long
    assert max(len(short), len(long)) <= bthome.ADVERT_BYTES_MAX
