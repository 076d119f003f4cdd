"""Sparkplug B's metrics as readings: `spBv1.0/<group>/<kind>/<node>[/<device>]`.

A metric is named by its owner, so what it measures is told from the end of its name, or by a rule
in the settings. A press is always a rule's.
"""

import math
from datetime import datetime

from zodra_edge.decode.frame import MqttMessage
from zodra_edge.decode.mqtt.reading.facts import Facts
from zodra_edge.decode.mqtt.reading.moments import moment
from zodra_edge.decode.mqtt.reading.names import kind_of
from zodra_edge.decode.mqtt.sparkplug.session import NAMESPACE, STALE, Place, place
from zodra_edge.decode.mqtt.sparkplug.wire import Garbled, Payload, read
from zodra_edge.decode.profile import DeviceProfile
from zodra_edge.decode.result import FROM_ANOTHER, Decoded, DecodeRefusal, Undecodable

_OWN: frozenset[str] = frozenset({"bdSeq"})


def subscriptions(profile: DeviceProfile) -> tuple[str, ...]:
    """Name the topics of the whole edge node: its count goes over all its devices."""
    group, node, _ = _parts(profile)
    return (f"{NAMESPACE}/{group}/+/{node}", f"{NAMESPACE}/{group}/+/{node}/+")


def decode(frame: MqttMessage, profile: DeviceProfile) -> Decoded | Undecodable:
    """Read one message; `frame.context` has the names behind the aliases."""
    at = place(frame.topic)
    group, node, device = _parts(profile)
    if at is None or (at.group, at.node) != (group, node):
        return FROM_ANOTHER
    if at.kind == "NDEATH":
        return _death(frame, profile)
    if at.device != device:
        # Heard for the count alone.
        return Decoded(profile.device_id, spoke=False)
    if at.kind == "DDEATH":
        return _death(frame, profile)
    if at.kind not in ("NBIRTH", "NDATA", "DBIRTH", "DDATA"):
        return Decoded(profile.device_id, spoke=False)
    try:
        payload = read(frame.payload)
    except Garbled as fault:
        return Undecodable(DecodeRefusal.MALFORMED, str(fault))
    return _read(payload, frame, profile, at)


def _parts(profile: DeviceProfile) -> tuple[str, str, str]:
    """Take `spBv1.0/<group>/<node>[/<device>]` of the settings apart."""
    words = (profile.topic or "").split("/")
    group, node, device = (*words[1:4], "", "", "")[:3]
    return group, node, device


def _death(frame: MqttMessage, profile: DeviceProfile) -> Decoded:
    if STALE in frame.context:
        return Decoded(profile.device_id, spoke=False)
    return Decoded(profile.device_id, authenticated=True, online=False)


def _read(
    payload: Payload, frame: MqttMessage, profile: DeviceProfile, at: Place
) -> Decoded | Undecodable:
    facts = Facts(frame, profile)
    is_birth = at.kind in ("NBIRTH", "DBIRTH")
    unnamed = 0
    for metric in payload.metrics:
        name = metric.name or frame.context.get(str(metric.alias), "")
        unnamed += not name
        value = metric.value
        if not name or name in _OWN or value is None:
            continue
        if isinstance(value, float) and not math.isfinite(value):
            continue
        facts.take(name, value, kind_of(name), happens=not is_birth)
        _date(facts, name, metric.timestamp_ms if metric.is_historical else None, frame)
    if unnamed:
        facts.refuse(
            DecodeRefusal.UNREADABLE_FIELD, f"{unnamed} metrics with an alias that no birth named"
        )
    said_at = moment(payload.timestamp_ms, frame.heard)
    return facts.decoded(said_at, online=True if is_birth else None)


def _date(facts: Facts, name: str, timestamp_ms: int | None, frame: MqttMessage) -> None:
    kind = kind_of(name)
    at: datetime | None = moment(timestamp_ms, frame.heard) if timestamp_ms else None
    if kind is not None and at is not None:
        facts.date(kind, at)
