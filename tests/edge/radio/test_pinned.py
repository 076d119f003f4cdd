"""A device that is taken from one of several adapters alone."""

from dataclasses import replace
from pathlib import Path

import pytest

from edge_air import say
from edge_broker import until
from edge_frames import ADDRESS, BUTTON, PLAIN_BUTTON, bthome_encrypted
from edge_gateway import free_udp_port
from zodra_edge.agent.radios import Radios
from zodra_edge.agent.supervisor import Supervisor
from zodra_edge.clock import Clock
from zodra_edge.decode.frame import BleAdvert, GattValue
from zodra_edge.doctor import Verdict, judge
from zodra_edge.ladder import Mode
from zodra_edge.radio.planning import plan_of
from zodra_edge.settings import Radio, RadioAdapter

NAMES = ("hci0", "hci1")


def press(port: int, counter: int) -> None:
    say(port, ADDRESS, bthome_encrypted(b"\x3a\x01", counter))


async def test_a_pinned_device_is_taken_from_its_adapter_and_the_other_only_tells_of_it(
    tmp_path: Path,
) -> None:
    ports = {name: free_udp_port() for name in NAMES}
    adapters = tuple(RadioAdapter(name=n, options={"port": str(ports[n])}) for n in NAMES)
    settings = Radio(backend="edge_air:create", adapters=adapters, scanning_mode="active")
    frames: list[BleAdvert | GattValue] = []
    pinned = replace(BUTTON, adapter="hci1")
    clock, parts = Clock(tmp_path / "floor"), Supervisor(lambda: 0.5)
    radios = Radios(settings, (pinned,), clock, frames.append, lambda _: None, lambda: None)
    radios.start(parts)
    try:
        await until(lambda: all(adapter.status().scanning for adapter in radios.adapters))
        press(ports["hci0"], 1)
        await until(lambda: "hci0" in radios.heard_by(pinned))
        assert frames == []
        assert radios.rssi_dbm(pinned) is None
        press(ports["hci1"], 2)
        await until(lambda: frames)
        assert [frame.source for frame in frames] == ["hci1"]
        assert radios.heard_by(pinned) == {"hci0": -61, "hci1": -61}
        assert radios.take_up((BUTTON,))
        press(ports["hci0"], 3)
        await until(lambda: len(frames) == 2)
    finally:
        await parts.stop()
        await radios.close()


def test_an_adapter_listens_by_the_devices_that_are_taken_from_it() -> None:
    named = tuple(RadioAdapter(name=name) for name in NAMES)
    home = (BUTTON, replace(PLAIN_BUTTON, device_id="btn-plain", adapter="hci1"))
    settings = Radio(adapters=named)
    modes = [plan_of(settings, one, home).mode for one in named]
    assert modes == [Mode.PASSIVE, Mode.ACTIVE]


@pytest.mark.parametrize(
    ("adapter", "heard", "said"),
    [
        (None, {"hci0": -60}, ""),
        ("hci1", {"hci0": -60, "hci1": -80}, ""),
        ("hci1", {}, ""),
        ("hci1", {"hci0": -60, "hci2": -50}, "hci2 does, at -50 dBm"),
    ],
)
def test_a_device_pinned_to_an_adapter_that_does_not_hear_it_is_named(
    adapter: str | None, heard: dict[str, int], said: str
) -> None:
    found = judge.pinned([("btn", adapter, heard)])
    assert [one.verdict for one in found] == [Verdict.WARN] * bool(said)
    assert all(said in one.found and 'adapter = "hci2"' in one.next_step for one in found)
