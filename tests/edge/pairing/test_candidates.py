"""Who could be paired: in which order, with which key, and as what."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from edge_frames import ADDRESS, AT, KEY, advert, bthome, bthome_encrypted
from zodra_edge.decode.frame import BleAdvert
from zodra_edge.decode.mqtt.nearby import Nearby
from zodra_edge.decode.profile import Family
from zodra_edge.decode.spoken import Dialect
from zodra_edge.nearby import structures
from zodra_edge.pairing.candidates import (
    Candidate,
    from_announcement,
    guess_family,
    in_order,
    name_for,
    read_key,
    refuse_key,
    woken,
)
from zodra_edge.words import Said, say


def candidate(frame: BleAdvert, parser: str = "bthome", **more: object) -> Candidate:
    made = Candidate(
        where=ADDRESS,
        via="bluetooth",
        can_be_read=bool(parser),
        parser=parser,
        rssi_dbm=-60,
        count=3,
        last_heard_age_s=1.0,
        last_heard_at=AT,
        raw=structures.write(frame).hex(),
    )
    return replace(made, **more)  # type: ignore[arg-type]  # a test's short form


SEALED = candidate(advert(bthome_encrypted(b"\x00\x01\x3a\x01", 7)), needs_key=True)
OPEN = candidate(advert(bthome(b"\x00\x01\x3a\x01")))
WARM = candidate(advert(bthome(b"\x00\x02\x02\xca\x09")))
STRANGE = candidate(advert(None), parser="", raw="02010603ff3412")


def test_a_key_is_tried_on_a_frame() -> None:
    assert refuse_key(SEALED, KEY) is None
    assert refuse_key(SEALED, bytes(16)) == say("key_wrong", where=SEALED.where)
    assert refuse_key(SEALED, None) == say("key_missing", where=SEALED.where)
    assert refuse_key(OPEN, None) is None
    assert refuse_key(OPEN, KEY) == say("key_needless", where=OPEN.where)
    assert refuse_key(STRANGE, None) is None


def test_what_it_is_shows_in_what_it_says() -> None:
    assert guess_family(SEALED, KEY) is Family.BUTTON
    assert guess_family(SEALED, None) is None
    assert guess_family(OPEN, None) is Family.BUTTON
    assert guess_family(WARM, None) is Family.SENSOR
    assert guess_family(STRANGE, None) is None
    strap = candidate(advert(None), parser="connection", model="heart rate")
    assert guess_family(strap, None) is Family.WEARABLE


def test_who_can_be_read_comes_first_and_then_the_nearest() -> None:
    far, near = replace(OPEN, rssi_dbm=-90), replace(OPEN, rssi_dbm=-40)
    loud = replace(STRANGE, rssi_dbm=-20)
    trv = from_announcement(
        Nearby(Dialect.ZIGBEE2MQTT, "zigbee2mqtt/trv", "m\x1b[2J", (Family.THERMOSTAT,))
    )
    assert in_order([loud, trv, far, near]) == (near, far, trv, loud)
    assert "\x1b" not in trv.model
    assert guess_family(trv, None) is Family.THERMOSTAT
    assert name_for(trv, Family.THERMOSTAT) == "trv-trv"
    assert name_for(near, Family.BUTTON) == "btn-0001"


def test_a_button_that_is_pressed_stands_out_from_a_beacon() -> None:
    beacon, asleep = replace(OPEN, where="B"), replace(OPEN, last_heard_age_s=30.0)
    after = (replace(beacon, count=9), replace(asleep, count=5), replace(OPEN, where="NEW"))
    assert [one.where for one in woken((beacon, asleep), after)] == [ADDRESS, "NEW"]
    assert woken((beacon, asleep), (beacon, asleep)) == ()


def test_a_verdict_says_what_is_to_be_done() -> None:
    assert SEALED.verdict() == say("can_be_read_with_key")
    assert STRANGE.verdict() == say("not_understood", raw="02010603ff3412")


@given(st.text(max_size=80))
def test_a_key_is_read_or_refused_and_nothing_else(text: str) -> None:
    key = read_key(text)
    assert isinstance(key, Said) or len(key) in (12, 16)


def test_a_key_may_be_written_as_labels_do() -> None:
    assert read_key(" 00:01:02:03-04 05 06 07 08 09 0A 0B 0C 0D 0E 0F\n") == KEY
    assert read_key("0001") == say("key_shape", digits=4)
    assert read_key("zz" * 16) == say("key_shape_letters")
