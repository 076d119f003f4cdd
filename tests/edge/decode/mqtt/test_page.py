"""docs/mqtt-dialects.md promises what the code does."""

import json
import re
import subprocess
import sys
from pathlib import Path

import jsonschema_rs
import pytest

from edge_frames import BABY, mqtt
from zodra_contract.reading import STAYS_HOME, ReadingKind
from zodra_edge.decode import decode
from zodra_edge.decode.profile import DeviceProfile, Family
from zodra_edge.decode.result import Decoded
from zodra_edge.decode.spoken import Dialect
from zodra_edge.settings import load

DOCS = Path(__file__).parents[4] / "docs"
PAGE = (DOCS / "mqtt-dialects.md").read_text()
WEARABLE = DeviceProfile("band", Family.WEARABLE, "strap", topic="zodra/home/wearable/band")
HEAD = """gateway_id = "gw-1"
household_id = "hh-1"
data_dir = "data"
[cloud]
host = "127.0.0.1"
[home_mqtt]
host = "127.0.0.1"
"""
EVERYTHING = {
    "schema": 1,
    "skin_contact": True,
    "heart": {"rate_bpm": 62},
    "breathing": {"rate_bpm": 14},
    "body": {"temperature_c": 36.6, "weight_kg": 71, "oxygen_percent": 97},
    "steps": 4211,
    "asleep": False,
    "battery_percent": 81,
}


def blocks(kind: str) -> list[str]:
    return re.findall(rf"```{kind}\n(.*?)```", PAGE, re.DOTALL)


def test_its_settings_are_taken(tmp_path: Path) -> None:
    several, generic, weighed, press = blocks("toml")
    bell = '[[devices]]\ndevice_id = "b"\nfamily = "button"\nslot_key = "button-1"\n'
    bell += f'dialect = "generic"\ntopic = "bell"\n{press}'
    crate = (
        '[[devices]]\ndevice_id = "crate"\nfamily = "sensor"\nslot_key = "tins"\n'
        f'dialect = "generic"\ntopic = "crate"\n{weighed}'
        '[[devices.readings]]\nsource = "$"\nkind = "weight_kg"\n'
    )
    (tmp_path / "gateway.toml").write_text("\n".join([HEAD, several, generic, bell, crate]))
    profiles = load(tmp_path / "gateway.toml").profiles()
    assert [profile.spoken.dialect for profile in profiles] == [
        Dialect.SHELLY_GEN1,
        Dialect.ZIGBEE2MQTT,
        Dialect.ESPHOME,
        Dialect.SHELLY,
        Dialect.GENERIC,
        Dialect.GENERIC,
        Dialect.GENERIC,
    ]


def test_its_message_is_read_and_is_what_the_schema_says() -> None:
    (text,) = blocks("json")
    decoded = decode(mqtt("zodra/home/wearable/band", text), WEARABLE)
    assert isinstance(decoded, Decoded)
    assert len(decoded.readings) == 4
    schema = json.loads((DOCS / "schemas" / "wearable-1.json").read_text())
    assert jsonschema_rs.is_valid(schema, json.loads(text))


def test_every_field_of_a_wearable_is_read_and_stays_home_but_its_battery() -> None:
    decoded = decode(mqtt("zodra/home/wearable/band", json.dumps(EVERYTHING)), WEARABLE)
    assert isinstance(decoded, Decoded)
    assert len(decoded.readings) == 9
    leaves = {reading.kind for reading in decoded.readings} - STAYS_HOME
    assert leaves == {ReadingKind.BATTERY_PERCENT}


@pytest.mark.parametrize(
    ("name", "field", "value"),
    [
        ("wearable-1", "steps", "many"),
        ("wearable-1", "heart", {"rate_bpm": 301}),
        ("wearable-1", "schema", 2),
        ("baby-monitor-1", "cry", {"confidence": 1.1}),
        ("baby-monitor-1", "diaper", {"event": "nap"}),
    ],
)
def test_schema_and_decoder_refuse_the_same(name: str, field: str, value: object) -> None:
    message = {"schema": 1, "event_id": "e-1", field: value}
    schema = json.loads((DOCS / "schemas" / f"{name}.json").read_text())
    assert not jsonschema_rs.is_valid(schema, message)
    profile = WEARABLE if name.startswith("wearable") else BABY
    assert profile.topic is not None
    assert not isinstance(decode(mqtt(profile.topic, json.dumps(message)), profile), Decoded)


def test_the_schemas_are_what_the_code_says() -> None:
    script = DOCS.parent / "scripts" / "schemas.py"
    run = subprocess.run(
        [sys.executable, str(script), "--check"], capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stderr
