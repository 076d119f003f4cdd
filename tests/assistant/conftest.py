"""One Home Assistant and one home around it, for all tests that run in a process."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from assistant import hass
from assistant.hass import HomeAssistant
from assistant.house import House
from missing import give_up

PROGRAM = "HOME_ASSISTANT"
"""Names the program that `scripts/home_assistant.sh` brought."""
PRESSED = "test/automation/pressed"
AUTOMATIONS = f"""
- alias: What docs/home-assistant.md shows
  triggers:
    - trigger: state
      entity_id: event.btn_kitchen_press
      not_from: unavailable
      not_to: unavailable
  actions:
    - action: mqtt.publish
      data:
        topic: {PRESSED}
        payload: "{{{{ trigger.to_state.attributes.event_type }}}}"
"""


@pytest.fixture(scope="session")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    made = House(tmp_path_factory.mktemp("house"))
    with made.standing():
        yield made


@pytest.fixture(scope="session")
def assistant(house: House) -> Iterator[HomeAssistant]:
    if PROGRAM not in os.environ:
        give_up("Home Assistant is brought by make home-assistant")
    made = HomeAssistant(Path(os.environ[PROGRAM]), house.folder / "assistant", AUTOMATIONS)
    with hass.running(made):
        made.add_mqtt(house.broker_port)
        yield made
