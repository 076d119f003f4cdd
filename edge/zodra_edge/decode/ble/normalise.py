"""From what a parser says to what the gateway goes on with: bounds, families, presses."""

from typing import Final

from zodra_contract.reading import PROBES, Reading, ReadingKind
from zodra_edge.decode.ble.guard import Raised, guarded
from zodra_edge.decode.ble.parser import Button, Parsed, Parser, Value
from zodra_edge.decode.frame import BleAdvert, GattValue
from zodra_edge.decode.profile import DeviceProfile, Family
from zodra_edge.decode.result import Decoded, DecodeRefusal, Press, Undecodable

BUTTONS_MAX: Final = 16
"""The most keys one device may have; the largest remote read here has 8."""
COUNTER_BITS_MAX: Final = 64
_EVENT_CHARS_MAX: Final = 40

_YES_OR_NO: Final = (0.0, 1.0)
_PERCENT: Final = (0.0, 100.0)
_TEMPERATURE_C: Final = (-60.0, 125.0)
_GROWS: Final = (0.0, 1e8)
BOUNDS: Final[dict[ReadingKind, tuple[float, float]]] = {
    ReadingKind.BATTERY_PERCENT: _PERCENT,
    ReadingKind.HUMIDITY_PERCENT: _PERCENT,
    ReadingKind.NURSERY_HUMIDITY_PERCENT: _PERCENT,
    ReadingKind.MOISTURE_PERCENT: _PERCENT,
    ReadingKind.REMAINING_PERCENT: _PERCENT,
    ReadingKind.HEATING_DEMAND_PERCENT: _PERCENT,
    ReadingKind.CRY_CONFIDENCE_PERCENT: _PERCENT,
    ReadingKind.OXYGEN_SATURATION_PERCENT: _PERCENT,
    ReadingKind.ROOM_TEMPERATURE_C: _TEMPERATURE_C,
    ReadingKind.NURSERY_TEMPERATURE_C: _TEMPERATURE_C,
    ReadingKind.SETPOINT_TEMPERATURE_C: _TEMPERATURE_C,
    ReadingKind.DEW_POINT_C: _TEMPERATURE_C,
    **dict.fromkeys(PROBES, (-60.0, 600.0)),
    ReadingKind.BODY_TEMPERATURE_C: (25.0, 45.0),
    ReadingKind.PRESSURE_HPA: (300.0, 1_200.0),
    ReadingKind.ILLUMINANCE_LUX: (0.0, 200_000.0),
    ReadingKind.CO2_PPM: (0.0, 40_000.0),
    ReadingKind.PM25_UG_M3: (0.0, 10_000.0),
    ReadingKind.PM10_UG_M3: (0.0, 10_000.0),
    ReadingKind.VOC_UG_M3: (0.0, 65_534.0),
    ReadingKind.VOC_INDEX: (0.0, 510.0),
    ReadingKind.NOX_INDEX: (0.0, 510.0),
    ReadingKind.FORMALDEHYDE_MG_M3: (0.0, 100.0),
    ReadingKind.CONDUCTIVITY_US_CM: (0.0, 65_534.0),
    ReadingKind.VOLTAGE_V: (-1_000.0, 10_000.0),
    ReadingKind.CURRENT_A: (-1_000.0, 1_000.0),
    ReadingKind.POWER_W: (-1e6, 1e6),
    ReadingKind.ENERGY_KWH: _GROWS,
    ReadingKind.WATER_L: _GROWS,
    ReadingKind.GAS_M3: _GROWS,
    ReadingKind.VOLUME_L: _GROWS,
    ReadingKind.METERED_VOLUME_L: _GROWS,
    ReadingKind.WEIGHT_KG: (0.0, 100_000.0),
    ReadingKind.BODY_WEIGHT_KG: (0.5, 500.0),
    ReadingKind.BODY_IMPEDANCE_OHM: (1.0, 65_534.0),
    ReadingKind.HEART_RATE_BPM: (1.0, 300.0),
    ReadingKind.BREATHING_RATE_BPM: (0.0, 200.0),
    ReadingKind.DISTANCE_MM: (0.0, 1e7),
    ReadingKind.COUNT: (-1e9, 1e9),
    ReadingKind.STEPS: (0.0, 1e9),
    ReadingKind.WATER_LEAK: _YES_OR_NO,
    ReadingKind.SMOKE: _YES_OR_NO,
    ReadingKind.GAS_LEAK: _YES_OR_NO,
    ReadingKind.CARBON_MONOXIDE: _YES_OR_NO,
    ReadingKind.CRY_DETECTED: _YES_OR_NO,
    ReadingKind.SOUND_DETECTED: _YES_OR_NO,
    ReadingKind.MOTION: _YES_OR_NO,
    ReadingKind.PRESENCE: _YES_OR_NO,
    ReadingKind.DOOR_OPEN: _YES_OR_NO,
    ReadingKind.VIBRATION: _YES_OR_NO,
    ReadingKind.ASLEEP: _YES_OR_NO,
    ReadingKind.SKIN_CONTACT: _YES_OR_NO,
    ReadingKind.HEATING_ON: _YES_OR_NO,
}
"""What each kind can be. A value outside is no reading: 255 % is a battery that was not measured
yet, and -100 degrees a sensor that came loose. A kind that is not here comes from no parser."""

_NURSERY: Final = {
    ReadingKind.ROOM_TEMPERATURE_C: ReadingKind.NURSERY_TEMPERATURE_C,
    ReadingKind.HUMIDITY_PERCENT: ReadingKind.NURSERY_HUMIDITY_PERCENT,
    ReadingKind.WEIGHT_KG: ReadingKind.BODY_WEIGHT_KG,
}
_WORN: Final = {
    ReadingKind.ROOM_TEMPERATURE_C: ReadingKind.BODY_TEMPERATURE_C,
    ReadingKind.WEIGHT_KG: ReadingKind.BODY_WEIGHT_KG,
}
_ABOUT_A_PERSON: Final = {Family.BABY_MONITOR: _NURSERY, Family.WEARABLE: _WORN}
"""The same value from a device that is about a person stays home."""

_NONSENSE: Final = Undecodable(
    DecodeRefusal.PARSER_FAILED, "its parser answered what no parser may answer"
)


def read(parser: Parser, frame: BleAdvert, profile: DeviceProfile) -> Decoded | Undecodable:
    """Read one advertisement with the parser that knew it."""
    parsed = guarded(parser.parse, frame, profile.bind_key)
    if isinstance(parsed, Undecodable):
        return parsed
    if isinstance(parsed, Raised):
        return Undecodable(DecodeRefusal.PARSER_FAILED, f"its parser failed with {parsed.fault}")
    decoded = guarded(finish, parsed, frame, profile)
    # A parser is somebody else's, and so are the types of what it answers.
    return _NONSENSE if isinstance(decoded, Raised) else decoded


def finish(
    parsed: Parsed, frame: BleAdvert | GattValue, profile: DeviceProfile
) -> Decoded | Undecodable:
    """Make of what was parsed what the gateway goes on with.

    Raises:
        Exception: a parser of somebody else put other things in it than it may; so it is guarded.
    """
    counter = parsed.counter if parsed.authenticated else None
    if not (_is_count(counter) and _is_count(parsed.packet_id)):
        return _NONSENSE
    return Decoded(
        device_id=profile.device_id,
        readings=_readings(parsed.values, frame, profile),
        presses=(
            tuple(_press(button, counter, parsed) for button in parsed.buttons)
            if parsed.buttons and profile.family is Family.BUTTON
            else ()
        ),
        authenticated=parsed.authenticated is True,
        counter=counter,
        packet_id=parsed.packet_id,
    )


def _is_count(number: int | None) -> bool:
    return number is None or (
        type(number) is int and number >= 0 and number.bit_length() <= COUNTER_BITS_MAX
    )


def _readings(
    values: tuple[Value, ...], frame: BleAdvert | GattValue, profile: DeviceProfile
) -> tuple[Reading, ...]:
    meant = _ABOUT_A_PERSON.get(profile.family)
    readings: dict[ReadingKind, Reading] = {}
    for value in values:
        kind = value.kind if meant is None else meant.get(value.kind, value.kind)
        lowest, highest = BOUNDS[kind]
        if lowest <= value.number <= highest and kind not in readings:
            readings[kind] = Reading(
                device_id=profile.device_id,
                kind=kind,
                value=value.number,
                observed_at=frame.heard.at,
            )
    return tuple(readings.values())


def _press(button: Button, counter: int | None, parsed: Parsed) -> Press:
    if not 0 <= button.index < BUTTONS_MAX or not 0 < len(button.event) <= _EVENT_CHARS_MAX:
        raise ValueError("button")
    event_id = parsed.event_id
    if event_id is not None and not 0 < len(event_id) <= _EVENT_CHARS_MAX:
        raise ValueError("event_id")
    return Press(
        button=button.index,
        event=button.event,
        counter=None if counter is None else str(counter),
        packet_id=parsed.packet_id,
        # Several buttons of one frame are several events.
        event_id=event_id if event_id is None or not button.index else f"{event_id}.{button.index}",
    )
