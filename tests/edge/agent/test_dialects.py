"""Devices of several dialects in a running gateway, two of them behind one topic."""

import json

from edge_broker import Cloud, client_of, until
from edge_gateway import Gateway, running

DEVICES = """
[[devices]]
device_id = "blu-{part}"
family = "button"
slot_key = "button-1"
topic = "{topic}"
dialect = "shelly"
part = "bthomedevice:{part}"
"""


async def test_two_devices_behind_one_topic_and_what_is_not_understood(
    gateway: Gateway, their_cloud: Cloud, lights: list[dict[str, str]]
) -> None:
    topic = f"blugw-{gateway.gateway_id}"
    config = gateway.folder / "gateway.toml"
    text = config.read_text() + "".join(DEVICES.format(topic=topic, part=p) for p in (200, 201))
    config.write_text(text)

    def pushed(part: int, ts: float) -> str:
        event = {"component": f"bthomedevice:{part}", "event": "single_push", "idx": 0, "ts": ts}
        return json.dumps({"method": "NotifyEvent", "params": {"ts": ts, "events": [event]}})

    async with running(gateway), client_of(gateway.broker_port) as shelly:
        for payload in (pushed(201, 1_790_000_000.5), pushed(201, 1_790_000_000.5)):
            await shelly.publish(f"{topic}/events/rpc", payload, qos=1)
        await until(lambda: [light["device_id"] for light in lights] == ["blu-201"])
        await shelly.publish(f"{topic}/events/rpc", pushed(200, 1_790_000_001.5), qos=1)
        await until(lambda: [light["device_id"] for light in lights] == ["blu-201", "blu-200"])
        await until(lambda: len(their_cloud.needs()) == 2)
        await shelly.publish(f"{topic}/events/rpc", '{"method":"Other","params":{}}', qos=1)
        await until(lambda: gateway.status()["not_understood"])
        (entry,) = gateway.status()["not_understood"]
    assert entry["where"] == f"{topic}/events/rpc"
    assert entry["reason"] == "unknown_format"
    assert entry["raw"] == '{"method":"Other","params":{}}'
    assert entry["count"] == 2
