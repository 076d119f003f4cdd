"""Frigate's audio events: a cry, and other sounds, as `ON` and `OFF`. All of it stays home.

Topics: docs.frigate.video, "MQTT" and "Audio Detectors". `crying` is heard only where the camera's
`audio.listen` names it. It is a hint about a baby, and no alarm.
"""

from typing import Final

from zodra_contract.reading import ReadingKind
from zodra_edge.decode.frame import MqttMessage
from zodra_edge.decode.mqtt.reading.facts import Facts, as_yes_or_no, below, read_online, read_word
from zodra_edge.decode.profile import DeviceProfile
from zodra_edge.decode.result import FROM_ANOTHER, Decoded, DecodeRefusal, Undecodable

_AVAILABLE: Final = {"online": True, "offline": False, "stopped": False}
_LOUDNESS: Final = frozenset({"dBFS", "rms", "transcription"})
_SET: Final = frozenset({"set", "state"})
"""Whether listening is switched on at all."""
_CRIES: Final = frozenset({"crying", "baby_crying", "babbling"})
YIELDS: Final = (ReadingKind.CRY_DETECTED, ReadingKind.SOUND_DETECTED, ReadingKind.MOTION)


def subscriptions(profile: DeviceProfile) -> tuple[str, ...]:
    """Name the topics where a camera speaks."""
    camera = profile.topic or ""
    return (_available(camera), f"{camera}/audio/+", f"{camera}/motion")


def decode(frame: MqttMessage, profile: DeviceProfile) -> Decoded | Undecodable:
    """Read one message."""
    camera = profile.topic or ""
    if frame.topic == _available(camera):
        return read_online(frame, profile, _AVAILABLE)
    match below(frame.topic, camera), below(frame.topic, f"{camera}/audio"):
        case "motion", _:
            return _decode_heard(frame, profile, "motion", ReadingKind.MOTION)
        case _, str(sound) if sound and "/" not in sound and sound not in _LOUDNESS | _SET:
            cry = sound.lower().replace(" ", "_") in _CRIES
            kind = ReadingKind.CRY_DETECTED if cry else ReadingKind.SOUND_DETECTED
            return _decode_heard(frame, profile, f"audio/{sound}", kind)
        case None, _:
            return FROM_ANOTHER
    return Decoded(profile.device_id)


def _available(camera: str) -> str:
    return f"{camera.rpartition('/')[0]}/available"


def _decode_heard(
    frame: MqttMessage, profile: DeviceProfile, name: str, kind: ReadingKind
) -> Decoded | Undecodable:
    word = read_word(frame.payload)
    if isinstance(word, Undecodable):
        return word
    if as_yes_or_no(word) is None:
        return Undecodable(DecodeRefusal.MALFORMED, "an event that is neither ON nor OFF")
    facts = Facts(frame, profile)
    facts.take(name, word, kind)
    return facts.decoded()
