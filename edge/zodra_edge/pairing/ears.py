"""Hears who is nearby: through the running agent's list, and on the home's broker by itself."""

import asyncio
import contextlib
from pathlib import Path
from typing import Final

import aiomqtt

from zodra_edge.decode.mqtt.nearby import INVENTORY, Nearby, nearby
from zodra_edge.local_mqtt.strangers import NEARBY
from zodra_edge.pairing.candidates import Candidate, from_announcement, in_order, plain
from zodra_edge.settings import Settings
from zodra_edge.status import StrangerPart, look_nearby

TIMEOUT_S: Final = 5.0
ANNOUNCED_MAX: Final = 512


def bluetooth(data_dir: Path) -> tuple[Candidate, ...] | None:
    """Read whom the agent hears; None if no agent that hears anybody runs."""
    heard = look_nearby(data_dir)
    return None if heard is None else tuple(_stranger(one) for one in heard.strangers)


def announced(settings: Settings, listen_s: float) -> tuple[Candidate, ...]:
    """Listen on the home's broker for devices that say that they are there.

    None are found if there is no broker, or it cannot be reached: `doctor` says why.
    """
    if settings.home_mqtt is None or not listen_s:
        return ()
    found: dict[str, Nearby] = {}
    with contextlib.suppress(aiomqtt.MqttError):
        asyncio.run(_listen(settings, listen_s, found))
    return tuple(from_announcement(one) for one in found.values())


def nearby_devices(settings: Settings, listen_s: float) -> tuple[Candidate, ...]:
    """Name everybody who is heard and not in the settings."""
    own = {device.address for device in settings.devices}
    own |= {device.topic for device in settings.devices if device.part is None}
    everybody = (*(bluetooth(settings.data_dir) or ()), *announced(settings, listen_s))
    return in_order(one for one in everybody if one.where not in own)


async def _listen(settings: Settings, listen_s: float, found: dict[str, Nearby]) -> None:
    home = settings.home_mqtt
    assert home is not None  # noqa: S101 - asked about by the only caller
    async with aiomqtt.Client(
        home.host,
        home.port,
        username=home.username,
        password=home.password.get_secret_value() if home.password else None,
        identifier=f"zodra-{settings.gateway_id}-pair",
        clean_session=True,
        timeout=TIMEOUT_S,
    ) as client:
        await client.subscribe([(topic, 0) for topic in (*NEARBY, INVENTORY)])
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(listen_s):
                async for message in client.messages:
                    payload = message.payload if isinstance(message.payload, bytes) else b""
                    for one in nearby(message.topic.value, payload):
                        if len(found) < ANNOUNCED_MAX or one.topic in found:
                            found[one.topic] = one


def _stranger(one: StrangerPart) -> Candidate:
    return Candidate(
        where=one.address.upper(),
        via="bluetooth",
        can_be_read=bool(one.parser),
        model=plain(one.model),
        name=plain(one.name),
        parser=plain(one.parser),
        needs_key=one.needs_key,
        rssi_dbm=one.rssi_dbm,
        count=one.count,
        last_heard_age_s=one.last_heard_age_s,
        last_heard_at=one.last_heard_at,
        seems=one.seems,
        raw=one.raw,
    )
