"""Our gateway, with simulated devices, before a Home Assistant that really runs.

In this order: each test leaves a whole home behind, and the last ones take it apart.
"""

import json

import pytest

from assistant.conftest import PRESSED
from assistant.hass import HomeAssistant, wait
from assistant.house import BABY, BUTTON, HALL, SENSOR, THERMOSTAT, House
from zodra_edge.home_assistant.compose import Names

pytestmark = [
    pytest.mark.long,
    pytest.mark.needs_home_assistant,
    pytest.mark.timeout(400),
    pytest.mark.enable_socket,
]
NAMES = Names("homeassistant", "gw-1", "1")
PRESS = "event.btn_kitchen_press"
PAUSE = "switch.zodra_gateway_gw_1_pause_buying"
WARMTH = "sensor.trv_living_room_temperature"
HALL_WARMTH = "sensor.hall_room_temperature"
QUIET_S = 5.0
"""How long nothing may happen, where nothing should."""


def shown(assistant: HomeAssistant, *entities: str) -> None:
    """Wait until entities are there, and have something to say or could."""

    def all_are() -> bool:
        states = [assistant.state(one)["state"] for one in entities]
        return not {None, "unavailable"} & set(states)

    wait(all_are)


def complaints(assistant: HomeAssistant) -> list[str]:
    """What it says against us in its log."""
    loud = ("ERROR", "WARNING")
    return [
        line
        for line in assistant.log().splitlines()
        if any(f" {word} " in line for word in loud) and ("mqtt" in line or "zodra" in line)
    ]


def test_the_gateway_and_its_devices_are_there_with_all_their_entities(
    house: House, assistant: HomeAssistant
) -> None:
    shown(assistant, PRESS, PAUSE, WARMTH)
    devices = assistant.devices()
    assert {"Zodra gateway gw-1", "btn-kitchen", "trv-living", "baby-nursery", "hall"} == set(
        devices
    )
    gateway = devices["Zodra gateway gw-1"]
    for name, device in devices.items():
        assert device["via_device_id"] == (None if device is gateway else gateway["id"]), name
    entities = assistant.entities()
    assert {
        *("sensor.zodra_gateway_gw_1_needs_waiting_for_the_cloud",),
        *("sensor.zodra_gateway_gw_1_readings_waiting_for_the_cloud",),
        *("sensor.zodra_gateway_gw_1_last_order", "binary_sensor.zodra_gateway_gw_1_radio_deaf"),
        *(PAUSE, PRESS, WARMTH, "binary_sensor.trv_living_heating"),
    } <= set(entities)
    assert entities[PRESS]["device_id"] == devices["btn-kitchen"]["id"]
    assert not [name for name in entities if "cry" in name or "nursery_temperature" in name]
    assert complaints(assistant) == []


def test_a_press_fires_its_event_once(house: House, assistant: HomeAssistant) -> None:
    shown(assistant, PRESS)
    before = assistant.state(PRESS)["state"]
    with house.listening(PRESSED) as (_, automated):
        house.press()
        wait(lambda: assistant.state(PRESS)["state"] != before)
        wait(lambda: automated)
        pressed = assistant.state(PRESS)
        assert pressed["attributes"]["event_type"] == "press"
        assert (pressed["attributes"]["button"], pressed["attributes"]["slot"]) == (1, "button-1")
        assert pressed["attributes"]["device_class"] == "button"
        house.press()
        wait(lambda: len(automated) == 2)
        second = assistant.state(PRESS)["state"]
        with pytest.raises(AssertionError):
            wait(lambda: len(automated) > 2 or assistant.state(PRESS)["state"] != second, QUIET_S)
    assert [message.payload for message in automated] == [b"press", b"press"]


def test_sensors_show_values_with_their_units(house: House, assistant: HomeAssistant) -> None:
    shown(assistant, WARMTH)
    warmth = wait(lambda: (s := assistant.state(WARMTH))["state"] != "unknown" and s)
    assert 0 < float(warmth["state"]) < 50
    assert warmth["attributes"]["unit_of_measurement"] == "°C"
    assert warmth["attributes"]["device_class"] == "temperature"
    assert warmth["attributes"]["state_class"] == "measurement"
    assert wait(
        lambda: assistant.state("binary_sensor.trv_living_heating")["state"] in ("on", "off")
    )
    house.publish(HALL, '{"temperature":21.5,"humidity":48,"battery":90,"occupancy":true}')
    wait(lambda: assistant.is_in(HALL_WARMTH, "21.5"))
    assert wait(lambda: assistant.is_in("sensor.hall_humidity", "48"))
    assert wait(lambda: assistant.is_in("sensor.hall_battery", "90"))
    assert "binary_sensor.hall_motion" not in assistant.entities()


def test_a_value_without_news_is_unknown_and_stays_so(
    house: House, assistant: HomeAssistant
) -> None:
    shown(assistant, PRESS)
    house.publish(HALL, '{"temperature":19.25,"battery":80}')
    wait(lambda: assistant.is_in(HALL_WARMTH, "19.25"))
    gone = ("unknown", "unavailable")
    wait(lambda: assistant.state(HALL_WARMTH)["state"] in gone, 90)
    with pytest.raises(AssertionError):
        wait(lambda: assistant.state(HALL_WARMTH)["state"] not in gone, QUIET_S)
    assert assistant.is_in("sensor.hall_battery", "80")
    assert assistant.state(WARMTH)["state"] not in gone


def test_all_of_it_is_unavailable_while_the_gateway_is_gone(
    house: House, assistant: HomeAssistant
) -> None:
    shown(assistant, PRESS, PAUSE, WARMTH)
    with house.listening(PRESSED) as (_, automated):
        house.end_agent(kill=True)
        wait(lambda: all(assistant.is_in(one, "unavailable") for one in (PRESS, PAUSE, WARMTH)))
        house.start_agent()
        shown(assistant, PRESS, PAUSE, WARMTH)
        with pytest.raises(AssertionError):
            wait(lambda: automated, QUIET_S)


def test_a_device_is_unavailable_once_its_own_network_says_so(
    house: House, assistant: HomeAssistant
) -> None:
    shown(assistant, WARMTH)
    house.publish("zigbee2mqtt/trv-living/availability", '{"state":"offline"}')
    wait(lambda: assistant.is_in(WARMTH, "unavailable"))
    assert not assistant.is_in(PRESS, "unavailable")
    house.publish("zigbee2mqtt/trv-living/availability", '{"state":"online"}')
    shown(assistant, WARMTH)


def test_after_its_restart_all_is_there_again_and_nothing_happens_twice(
    house: House, assistant: HomeAssistant
) -> None:
    shown(assistant, PRESS)
    with house.listening(PRESSED) as (_, automated):
        house.press()
        wait(lambda: automated)
        before = assistant.state(PRESS)
        assistant.stop()
        # As if the broker had lost it: it is only there again if the birth message is heard.
        house.publish(NAMES.config("btn-kitchen"), "", retain=True)
        assistant.start()
        shown(assistant, PRESS, PAUSE, WARMTH)
        assert assistant.state(PRESS)["state"] == before["state"]
        with pytest.raises(AssertionError):
            wait(lambda: len(automated) > 1, QUIET_S)
        house.press()
        wait(lambda: len(automated) == 2)
    with house.listening(f"{NAMES.base}/#") as (_, kept):
        wait(lambda: kept)
        assert NAMES.of("btn-kitchen", "press") not in {message.topic for message in kept}


def test_a_broker_that_forgot_everything_is_told_again(
    house: House, assistant: HomeAssistant
) -> None:
    shown(assistant, PRESS, WARMTH)
    house.restart_broker()
    wait(lambda: assistant.is_in(PRESS, "unavailable"))
    shown(assistant, PRESS, PAUSE, WARMTH)


def test_the_switch_pauses_buying_and_shows_what_the_gateway_does(
    house: House, assistant: HomeAssistant
) -> None:
    shown(assistant, PAUSE)
    assert assistant.is_in(PAUSE, "off")
    assistant.call("switch.turn_on", PAUSE)
    wait(lambda: house.status()["status"]["buying_paused_since"])
    wait(lambda: assistant.is_in(PAUSE, "on"))
    known = len(house.needs())
    house.press()
    wait(lambda: len(house.needs()) > known)
    assert house.needs()[-1]["evidence"]["buying_paused"] == 1
    assistant.call("switch.turn_off", PAUSE)
    wait(lambda: assistant.is_in(PAUSE, "off"))
    assert house.status()["status"]["buying_paused_since"] is None
    house.cli("buying", "pause")
    wait(lambda: assistant.is_in(PAUSE, "on"))
    house.cli("buying", "resume")
    wait(lambda: assistant.is_in(PAUSE, "off"))


def test_what_stays_home_is_shown_only_while_the_settings_say_so(
    house: House, assistant: HomeAssistant
) -> None:
    shown(assistant, PRESS)
    try:
        house.start_anew(home_readings=True)
        warmth = "sensor.baby_nursery_nursery_temperature"
        wait(lambda: assistant.state(warmth)["state"] not in (None, "unavailable", "unknown"))
    finally:
        house.start_anew()
    wait(lambda: warmth not in assistant.entities())
    assert assistant.state(warmth)["state"] is None


def test_a_device_that_joins_is_there_without_a_restart_of_anything(
    house: House, assistant: HomeAssistant
) -> None:
    shown(assistant, PRESS)
    try:
        house.start_anew(THERMOSTAT, BABY, SENSOR)
        wait(lambda: "btn-kitchen" not in assistant.devices())
        pid = house.status()["status"]["pid"]
        house.write(f"{BUTTON}practice = true\n", THERMOSTAT, BABY, SENSOR)
        house.cli("device", "arm", "btn-kitchen")
        shown(assistant, PRESS)
        before, known = assistant.state(PRESS)["state"], len(house.needs())
        wait(lambda: house.status()["status"]["radio"][0]["scanning"])
        house.press()
        wait(lambda: assistant.state(PRESS)["state"] != before)
        wait(lambda: len(house.needs()) == known + 1)
        assert house.status()["status"]["pid"] == pid
    finally:
        house.start_anew()


def test_what_leaves_the_settings_leaves_home_assistant(
    house: House, assistant: HomeAssistant
) -> None:
    shown(assistant, PRESS)
    try:
        house.start_anew(THERMOSTAT, BABY, SENSOR)
        wait(lambda: "btn-kitchen" not in assistant.devices())
        assert PRESS not in assistant.entities()
        assert WARMTH in assistant.entities()
        house.start_anew(enabled=False)
        wait(lambda: not assistant.devices())
        assert assistant.entities() == {}
        with house.listening("homeassistant/#", f"{NAMES.base}/#", "test/end") as (client, kept):
            client.publish("test/end", json.dumps(True), qos=1)
            wait(lambda: any(message.topic == "test/end" for message in kept))
        assert [message.topic for message in kept if message.retain] == []
    finally:
        house.start_anew(BUTTON, THERMOSTAT, BABY, SENSOR)
    shown(assistant, PRESS, PAUSE, WARMTH)
