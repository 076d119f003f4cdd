"""The home's own broker: one module a dialect."""

from zodra_edge.decode.frame import MqttMessage
from zodra_edge.decode.profile import DeviceProfile, Family
from zodra_edge.decode.result import FROM_ANOTHER, Decoded, DecodeRefusal, Undecodable


def decode(frame: MqttMessage, profile: DeviceProfile) -> Decoded | Undecodable:
    """Read one message."""
    if is_bridge_topic(frame.topic):
        return Decoded(profile.device_id)
    if profile.topic is None or not frame.topic.startswith(profile.topic):
        return FROM_ANOTHER
    rest = frame.topic[len(profile.topic) :]
    if rest == "/availability":
        from zodra_edge.decode.mqtt import zigbee2mqtt

        return zigbee2mqtt.decode_availability(frame, profile)
    if rest.startswith("/"):
        # `/set` and `/get` are requests, `/action` repeats what the state topic says.
        return Decoded(profile.device_id)
    if rest:
        return FROM_ANOTHER
    return _decode_state(frame, profile)


def _decode_state(frame: MqttMessage, profile: DeviceProfile) -> Decoded | Undecodable:
    if profile.family is Family.BABY_MONITOR:
        from zodra_edge.decode.mqtt import baby_monitor

        return baby_monitor.decode(frame, profile)
    if profile.family is Family.WEARABLE:
        return Undecodable(DecodeRefusal.UNKNOWN_FORMAT, "a wearable speaks over Bluetooth")
    from zodra_edge.decode.mqtt import zigbee2mqtt

    return zigbee2mqtt.decode(frame, profile)


def is_bridge_topic(topic: str) -> bool:
    """Whether a topic is Zigbee2MQTT talking about itself: `zigbee2mqtt/bridge/...`."""
    return topic.split("/", 2)[1:2] == ["bridge"]
