"""Zodra's own schema for baby monitors and wearables: docs/mqtt-dialects.md."""

from zodra_edge.decode.frame import MqttMessage
from zodra_edge.decode.mqtt.reading.facts import below
from zodra_edge.decode.mqtt.reading.online import read_availability
from zodra_edge.decode.profile import DeviceProfile, Family
from zodra_edge.decode.result import FROM_ANOTHER, Decoded, Undecodable


def subscriptions(profile: DeviceProfile) -> tuple[str, ...]:
    """Name the topics where a device speaks."""
    return (profile.topic or "", f"{profile.topic}/availability")


def decode(frame: MqttMessage, profile: DeviceProfile) -> Decoded | Undecodable:
    """Read one message."""
    rest = below(frame.topic, profile.topic or "")
    if rest is None:
        return FROM_ANOTHER
    if rest == "availability":
        return read_availability(frame, profile)
    if rest:
        return Decoded(profile.device_id)
    if profile.family is Family.WEARABLE:
        from zodra_edge.decode.mqtt.own import wearable

        return wearable.decode(frame, profile)
    from zodra_edge.decode.mqtt.own import baby_monitor

    return baby_monitor.decode(frame, profile)
