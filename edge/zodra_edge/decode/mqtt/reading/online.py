"""Availability: a device's own word for being there, or its broker's when it left."""

from typing import Final

from zodra_edge.decode.frame import MqttMessage
from zodra_edge.decode.mqtt.reading.facts import WORD_BYTES_MAX
from zodra_edge.decode.mqtt.reading.json_text import read_object
from zodra_edge.decode.profile import DeviceProfile
from zodra_edge.decode.result import Decoded, DecodeRefusal, Undecodable

_ONLINE: Final = {"online": True, "offline": False}


def read_availability(frame: MqttMessage, profile: DeviceProfile) -> Decoded | Undecodable:
    """Read `{topic}/availability`: a bare word, or JSON with `state`."""
    word = frame.payload[:WORD_BYTES_MAX].decode(errors="replace").strip().lower()
    if word not in _ONLINE:
        body = read_object(frame.payload)
        if isinstance(body, Undecodable):
            return body
        word = str(body.get("state"))
    if word not in _ONLINE:
        return Undecodable(DecodeRefusal.MALFORMED, "availability is neither online nor offline")
    return Decoded(
        profile.device_id, authenticated=True, online=_ONLINE[word], retained=frame.retained
    )
