"""What the parts of the demo are told."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from zodra_sim.demo.commands import product
from zodra_sim.demo.folder import Folder, Language
from zodra_sim.demo.parts import HOUSEHOLD, SLOTS, Parts
from zodra_sim.household.settings import read

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("language", "button"), [("en", "Kitchen button"), ("nl", "Knop in de keuken")]
)
def test_the_home_calls_its_devices_as_the_household_does(
    tmp_path: Path, language: Language, button: str
) -> None:
    folder = Folder.open(
        tmp_path / "demo", broker="amqtt", database="sqlite", language=language, now=NOW
    )
    parts = Parts(folder, once=True)
    parts.write()
    home = read(parts.config(HOUSEHOLD))
    folder.close()
    assert home.devices[0].label == button
    assert all(device.label not in ("", device.device_id) for device in home.devices)


def test_a_slot_has_the_title_of_the_shops_catalogue() -> None:
    assert [product(slot, "en").get("title") for slot in SLOTS] == [
        "Paper towels, 6 rolls",
        "Chest strap for a heart rate sensor",
        None,
        "Diapers size 3, 44 pieces",
    ]
    assert product(SLOTS[0], "nl")["title"] == "Keukenpapier, 6 rollen"
