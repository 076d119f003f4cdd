"""A home in a Debian that runs: the gateway's settings and secrets, a broker, a button on it."""

import json

from packaging_booted import Booted, until

UNIT = "zodra-edge.service"
STATE = "/var/lib/zodra"
SETTINGS = "/etc/zodra/edge.toml"
CREDENTIAL = "/etc/zodra/credentials/cloud.password"
PASSWORD = "open sesame"
CLAIMED = f"""
data_dir = "{STATE}"
gateway_id = "gw-1"
household_id = "hh-1"
[cloud]
host = "127.0.0.1"
port = 8883
password_credential = "cloud.password"
[home_mqtt]
host = "127.0.0.1"
[[devices]]
device_id = "btn-kitchen"
family = "button"
slot_key = "button-1"
topic = "zigbee2mqtt/kitchen"
"""


def claim(machine: Booted) -> None:
    """Do what the owner does after the installation, and have devices speak."""
    machine.run("systemctl", "start", "mosquitto")
    machine.run("install", "-m", "0600", "/dev/stdin", CREDENTIAL, typed=f"{PASSWORD}\n")
    machine.path(SETTINGS).write_text(CLAIMED)
    says(machine, "need")


def says(machine: Booted, wanted: str) -> str:
    """Wait for a word in the sentence of `systemctl status`."""

    def look() -> str | None:
        said = machine.shows(UNIT, "StatusText", "ActiveState")
        found = said["ActiveState"] == "active" and wanted in said["StatusText"]
        return said["StatusText"] if found else None

    return until(look, f"{wanted!r} in the status of {UNIT}")


def press(machine: Booted, number: int) -> None:
    """Press the button until that press is kept: its number names it, if told again at once."""

    def look() -> bool | None:
        machine.run(*tell(number))
        return True if kept(number) in machine.shows(UNIT, "StatusText")["StatusText"] else None

    until(look, f"press {number} to be kept")
    assert depth(machine) == number


def tell(number: int) -> tuple[str, ...]:
    """Name the command with which the button tells the broker of a press."""
    message = json.dumps({"action": "single", "action_transaction": number})
    return ("mosquitto_pub", "-h", "127.0.0.1", "-t", "zigbee2mqtt/kitchen", "-m", message)


def kept(count: int) -> str:
    return "1 need waiting" if count == 1 else f"{count} needs waiting"


def depth(machine: Booted) -> int:
    """Count the presses that wait, as a person would."""
    said = machine.run("zodra-edge", "outbox", "show", "--config", SETTINGS, "--json")
    return sum(int(lane["depth"]) for lane in json.loads(said) if lane["lane"] == "need")


def agent(machine: Booted) -> str:
    """Name its process."""
    found = machine.shows(UNIT, "MainPID")["MainPID"]
    assert found != "0"
    return found
