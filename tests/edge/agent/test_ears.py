"""Devices that join or are armed while the gateway hears: what goes on, and what begins anew."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiomqtt

from edge_air import say
from edge_broker import free_port, mosquitto, until
from edge_gateway import free_udp_port
from zodra_edge.agent.ears import Ears
from zodra_edge.agent.intake import Intake
from zodra_edge.agent.supervisor import Supervisor
from zodra_edge.clock import Clock
from zodra_edge.decode.frame import MqttMessage
from zodra_edge.settings import Settings
from zodra_edge.status import Tally

SEALED, PLAIN = "A4:C1:38:00:00:01", "A4:C1:38:00:00:02"
BUTTON = {"device_id": "btn", "family": "button", "slot_key": "b", "address": SEALED}
KEY = {"bind_key": bytes(16)}
HALL = {"device_id": "hall", "family": "sensor", "slot_key": "s", "topic": "zigbee2mqtt/hall"}
ATTIC = HALL | {"device_id": "attic", "topic": "zigbee2mqtt/attic"}


@dataclass
class Home:
    folder: Path
    port: int = field(default_factory=free_port)
    air: int = field(default_factory=free_udp_port)

    def settings(self, *devices: dict[str, Any]) -> Settings:
        return Settings.model_validate(
            {
                "gateway_id": "gw-1",
                "household_id": "hh-1",
                "data_dir": self.folder,
                "cloud": {"host": "h"},
                "home_mqtt": {"host": "127.0.0.1", "port": self.port},
                "radio": {"backend": "edge_air:create", "options": {"port": str(self.air)}},
                "devices": devices,
            }
        )


class Taken:
    """What came in, by where it came from."""

    def __init__(self) -> None:
        self.intake = Intake(64)
        self.heard: list[str] = []

    async def run(self) -> None:
        for arrival in await self.intake.take():
            frame = arrival.frame
            self.heard.append(frame.topic if isinstance(frame, MqttMessage) else frame.address)
            arrival.done()


async def test_who_joins_is_heard_and_what_need_not_begin_anew_goes_on(tmp_path: Path) -> None:
    home, taken, parts = Home(tmp_path), Taken(), Supervisor(lambda: 0.5)
    ears = Ears(
        home.settings(BUTTON | KEY | {"practice": True}, HALL),
        Clock(tmp_path / "floor"),
        taken.intake,
        Tally(),
        lambda: None,
    )

    def is_up() -> bool:
        radios, broker = ears.radios, ears.home
        return bool(
            broker and broker.status.connected and radios and radios.adapters[0].status().scanning
        )

    with mosquitto(tmp_path, home.port):
        ears.start(parts)
        parts.start("frames", taken.run)
        try:
            await until(is_up)
            broker, radios = ears.home, ears.radios
            await ears.change(home.settings(BUTTON | KEY, HALL), parts)
            assert (ears.home, ears.radios) == (broker, radios)
            await ears.change(home.settings(BUTTON | KEY, HALL, ATTIC), parts)
            assert ears.home is not broker
            assert ears.radios is radios
            await until(is_up)
            async with aiomqtt.Client("127.0.0.1", home.port) as client:
                for topic in ("zigbee2mqtt/attic", "zigbee2mqtt/hall"):
                    await client.publish(topic, b"{}", qos=1)
            await until(lambda: sorted(taken.heard) == ["zigbee2mqtt/attic", "zigbee2mqtt/hall"])
            # One that does not encrypt repeats itself unchanged, and is to be asked.
            joined = BUTTON | {"device_id": "btn-plain", "address": PLAIN}
            await ears.change(home.settings(BUTTON | KEY, HALL, ATTIC, joined), parts)
            assert ears.radios is not radios
            await until(is_up)
            say(home.air, PLAIN, b"\x44\x00")
            await until(lambda: taken.heard[2:] == [PLAIN])
            names = [part.name for part in parts.parts]
            assert sorted(names) == sorted(set(names))
        finally:
            await parts.stop()
            await ears.close()
