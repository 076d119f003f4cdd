"""The unmodified BlueZ code of bleak, in a real gateway, against `zodra-sim bluez`."""

import signal
from collections.abc import Iterator

import pytest
from dbus_fast import Variant

from radio.bluez_home import BluezHome, bluez_home, until

pytestmark = pytest.mark.timeout(400)


@pytest.fixture(scope="module")
def home() -> Iterator[BluezHome]:
    with bluez_home() as made:
        until(made.agent.hears)
        yield made


def test_a_press_that_two_adapters_hear_is_kept_once(home: BluezHome) -> None:
    home.heals()
    held = {one["name"]: one for one in home.agent.status()["radio"]}
    assert (held["hci0"]["mode"], held["hci1"]["mode"]) == ("active", "passive")
    assert all(one["adverts_per_min"] > 0 and one["scanning"] for one in held.values())


def test_a_strap_is_connected_notifies_and_is_connected_again_after_bluez_was_killed(
    home: BluezHome,
) -> None:
    beats(home)
    home.facade.stop(signal.SIGKILL)
    until(lambda: not home.agent.is_connected())
    home.facade.start()
    beats(home)
    home.heals()


def beats(home: BluezHome) -> None:
    until(home.agent.is_connected)
    before = home.agent.stayed_home()

    def arrived() -> bool:
        home.near.beat()
        return home.agent.stayed_home() > before

    until(arrived)


def test_bluez_restarts(home: BluezHome) -> None:
    until(home.agent.hears)
    home.facade.stop()
    until(lambda: home.agent.stage("hci0") == "away" == home.agent.stage("hci1"))
    home.facade.start()
    home.heals()


def test_the_bus_itself_is_lost(home: BluezHome) -> None:
    until(home.agent.hears)
    home.bus.kill()
    home.facade.ended()
    until(lambda: home.agent.stage("hci0") == "away")
    home.bus.start()
    home.facade.start()
    home.heals()


@pytest.mark.parametrize("cure", ["StartDiscovery", "Powered"])
def test_it_goes_silent(home: BluezHome, cure: str) -> None:
    until(home.agent.hears)
    home.facade.fault("Silence", "s", cure)
    until(lambda: not home.agent.hears())
    home.heals()


@pytest.mark.parametrize("error", ["InProgress", "NotReady"])
def test_it_answers_with_errors(home: BluezHome, error: str) -> None:
    until(home.agent.hears)
    home.facade.fault("Fail", "ssi", "StartDiscovery", f"org.bluez.Error.{error}", 2)
    home.facade.fault("Silence", "s", "StartDiscovery")
    until(lambda: home.agent.stage("hci0") != "hearing")
    home.heals()


def test_an_adapter_is_pulled_and_put_back(home: BluezHome) -> None:
    until(home.agent.hears)
    home.facade.fault("Unplug", "s", "hci1")
    until(lambda: home.agent.stage("hci1") == "away")
    assert home.agent.stage("hci0") == "hearing"
    home.facade.fault("Plug", "s", "hci1")
    home.heals()


def test_an_adapter_that_is_off_is_not_asked_to_listen(home: BluezHome) -> None:
    """Kernel 6.1 answers "busy" ever after (`make radio-kernel`)."""
    until(home.agent.hears)
    switch(home, "hci1", on=False)
    until(lambda: "hci1 is switched off" in {one.get("fault") for one in home.agent.events()})
    # Before the gateway may: it switches one off and on once in five minutes.
    switch(home, "hci1", on=True)
    home.heals()


def switch(home: BluezHome, adapter: str, *, on: bool) -> None:
    body = ["org.bluez.Adapter1", "Powered", Variant("b", on)]
    home.bus.call(f"/org/bluez/{adapter}", "org.freedesktop.DBus.Properties", "Set", "ssv", body)
