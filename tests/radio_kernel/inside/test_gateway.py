"""A whole gateway under a real kernel and a real `bluetoothd`, while they break."""

import signal
from pathlib import Path
from typing import Any

import pytest

from radio_kernel.inside.agent import ADAPTERS
from radio_kernel.inside.home import Home
from radio_kernel.inside.system import System, is_on, switch
from radio_kernel.inside.waiting import until

pytestmark = [pytest.mark.long, pytest.mark.timeout(900)]


def test_a_press_is_kept_once_though_two_adapters_hear_it(home: Home) -> None:
    home.heals()
    modes = {name: home.agent.adapter(name)["mode"] for name in ADAPTERS}
    assert modes == {"hci0": "active", "hci1": "passive"}
    assert all(home.agent.adapter(name)["adverts_per_min"] > 0 for name in ADAPTERS)


def test_bluetoothd_is_killed_and_started(home: Home, system: System, record_property: Any) -> None:
    system.stop_bluez(signal.SIGKILL)
    until(lambda: {home.agent.stage(name) for name in ADAPTERS} == {"away"})
    system.start_bluez()
    record_property("healed_s", home.heals())


def test_bluetoothd_restarts(home: Home, system: System, record_property: Any) -> None:
    system.stop_bluez()
    system.start_bluez()
    record_property("healed_s", home.heals())


def test_the_bus_is_lost_and_comes_back(home: Home, system: System, record_property: Any) -> None:
    system.kill_bus()
    until(lambda: {home.agent.stage(name) for name in ADAPTERS} == {"away"})
    system.start()
    record_property("healed_s", home.heals())


def test_an_adapter_is_pulled_and_plugged_in_again(home: Home, record_property: Any) -> None:
    home.still.pull("hci1")
    until(lambda: home.agent.stage("hci1") == "away")
    home.heals("hci0")
    home.still.plug("hci1")
    record_property("healed_s", home.heals())


@pytest.mark.parametrize("name", ADAPTERS)
def test_an_adapter_is_switched_off_by_somebody_else(
    home: Home, name: str, record_property: Any
) -> None:
    switch(name, on=False)
    until(lambda: home.agent.stage(name) != "hearing")
    record_property("healed_s", home.heals())
    assert is_on(name)


@pytest.mark.parametrize("cure", ["scan", "reset"])
@pytest.mark.parametrize("name", ADAPTERS)
def test_an_adapter_falls_silent_until(
    home: Home, name: str, cure: str, record_property: Any
) -> None:
    home.still.controller(name).deaf = cure
    until(lambda: home.agent.stage(name) != "hearing")
    record_property("healed_s", home.heals())
    assert home.still.controller(name).deaf == ""


def test_an_adapter_answers_no_command_for_a_while(home: Home, record_property: Any) -> None:
    home.still.controller("hci1").hung = True
    until(lambda: home.agent.stage("hci1") != "hearing")
    home.heals("hci0")
    home.still.controller("hci1").hung = False
    record_property("healed_s", home.heals())


def test_the_control_a_gateway_that_cannot_hear_a_press_keeps_none(home: Home) -> None:
    before = home.agent.kept()
    for name in ADAPTERS:
        home.still.controller(name).deaf = "reset"
    home.press()
    until(lambda: not any(home.agent.hears(name) for name in ADAPTERS))
    assert home.agent.kept() == before
    for name in ADAPTERS:
        home.still.controller(name).deaf = ""
    home.heals()


def test_it_needs_no_privilege(home: Home) -> None:
    status = Path(f"/proc/{home.agent.child.pid}/status").read_text()
    assert "CapEff:\t0000000000000000" in status
    assert "Uid:\t0\t" not in status
    home.heals()
