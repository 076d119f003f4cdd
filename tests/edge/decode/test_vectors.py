"""Published vectors of real products come out as the right readings and presses."""

from dataclasses import replace
from typing import Any

import pytest

from edge_frames import (
    PLAIN_BUTTON,
    THERMOSTAT,
    WEARABLE,
    ZIGBEE_BUTTON,
    advert,
    gatt,
    mqtt,
    vectors,
)
from zodra_edge.decode import decode
from zodra_edge.decode.ble.heart_rate import HeartRate, parse
from zodra_edge.decode.result import Decoded, Undecodable


def cases(name: str) -> list[Any]:
    return [pytest.param(case, id=case["id"]) for case in vectors(name)]


def check(case: dict[str, Any], decoded: Decoded | Undecodable) -> Decoded | None:
    if "refused" in case:
        assert isinstance(decoded, Undecodable)
        assert decoded.reason == case["refused"]
        assert decoded.detail
        return None
    assert isinstance(decoded, Decoded)
    read = {reading.kind.value: reading.value for reading in decoded.readings}
    assert read == pytest.approx(case["readings"])
    assert [[press.button, press.event] for press in decoded.presses] == case["presses"]
    assert [part.reason.value for part in decoded.refused] == case.get("refused_parts", [])
    return decoded


@pytest.mark.parametrize("case", cases("bthome"))
def test_bthome(case: dict[str, Any]) -> None:
    key = case["bind_key"]
    profile = replace(
        PLAIN_BUTTON, address=case["address"], bind_key=bytes.fromhex(key) if key else None
    )
    frame = advert(bytes.fromhex(case["data"]), address=case["address"].lower())
    decoded = check(case, decode(frame, profile))
    if decoded is not None:
        assert decoded.counter == case["counter"]
        assert decoded.packet_id == case["packet_id"]
        assert decoded.authenticated == (key is not None)
        assert all(press.packet_id == case["packet_id"] for press in decoded.presses)


@pytest.mark.parametrize("case", cases("heart_rate"))
def test_heart_rate(case: dict[str, Any]) -> None:
    raw = bytes.fromhex(case["data"])
    measured = parse(raw)
    decoded = decode(gatt(raw), WEARABLE)
    if "refused" in case:
        assert isinstance(measured, Undecodable)
        assert measured.reason == case["refused"]
        assert decoded == measured
        return
    assert measured == HeartRate(
        bpm=case["bpm"],
        skin_contact=case["contact"],
        energy_kj=case["energy_kj"],
        beat_intervals_ms=tuple(case["beat_intervals_ms"]),
    )
    assert isinstance(decoded, Decoded)
    read = {reading.kind.value: reading.value for reading in decoded.readings}
    contact = {} if case["contact"] is None else {"skin_contact": float(case["contact"])}
    assert read == {"heart_rate_bpm": case["bpm"], **contact}
    assert all(reading.stays_home for reading in decoded.readings)


@pytest.mark.parametrize("case", cases("zigbee2mqtt"))
def test_zigbee2mqtt(case: dict[str, Any]) -> None:
    profile = THERMOSTAT if case["family"] == "thermostat" else ZIGBEE_BUTTON
    assert profile.topic is not None
    frame = mqtt(profile.topic, case["payload"], retained=case["retained"])
    decoded = check(case, decode(frame, profile))
    if decoded is not None:
        assert decoded.authenticated
        assert decoded.retained == case["retained"]
