"""The section of docs/devices.md about Bluetooth."""

import inspect
import json
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from zodra_contract.reading import STAYS_HOME, ReadingKind
from zodra_edge.decode.ble.bthome_objects import EVENTS, MEASURES

VECTORS = Path(__file__).parents[1] / "tests" / "fixtures" / "vectors"
TITLES = {
    "bthome": "BTHome v2: Shelly BLU and every other device that speaks it",
    "xiaomi": "Xiaomi, Mijia, Linptech, Yeelight, HHCC and others with MiBeacon",
    "govee": "Govee",
    "ruuvi": "Ruuvi",
    "thermopro": "ThermoPro",
}
NOTES = {
    "bthome": (
        "Plain or encrypted. An encrypted button's counter names its presses; without a key the packet id tells "
        "repeats apart, and a press only asks. Read by our own code; what each object is stands beside the library "
        "bthome-ble in the tests."
    ),
    "xiaomi": (
        "Through xiaomi-ble. Encrypted frames since version 4 prove the device, and their counter names its presses; "
        "the bind key (32 hexadecimal digits, 24 for older devices) is got with the maker's account. All that weighs, "
        "weighs people, and stays home."
    ),
    "govee": (
        "Through govee-ble. Nothing proves a frame, so a press only asks. H5074, H5075, H5129 and H5179 tell what they "
        "measure in a scan response: they need active scanning."
    ),
    "ruuvi": "Through ruuvitag-ble: data formats 3, 5, 6 and E1.",
    "thermopro": "Through thermopro-ble. Each of several probes is a reading of its own.",
}


def kinds(found: Iterable[str]) -> str:
    return ", ".join(
        f"`{kind}`{' ⌂' if ReadingKind(kind) in STAYS_HOME else ''}" for kind in sorted(set(found))
    )


def adverts() -> list[dict[str, Any]]:
    cases: list[dict[str, Any]] = json.loads((VECTORS / "adverts.json").read_text())
    return [case for case in cases if "refused" not in case]


def tested(parser: str) -> list[str]:
    models: dict[str, list[dict[str, Any]]] = {}
    for case in adverts():
        if case["parser"] == parser:
            models.setdefault(case["model"], []).append(case)
    lines = ["| model, tested | yields | presses | vectors |", "|---|---|---|---|"]
    for model in sorted(models):
        cases = models[model]
        events = sorted({event for case in cases for _, event in case["presses"]})
        read = kinds(kind for case in cases for kind in case["readings"])
        proven = any("counter" in case for case in cases)
        how = f"{', '.join(events)}{' (proven with a key)' if proven else ''}" if events else "-"
        lines.append(f"| {model} | {read or '-'} | {how} | {len(cases)} |")
    return lines


def bthome() -> list[str]:
    cases = json.loads((VECTORS / "bthome.json").read_text())
    real = sorted(
        {case["id"] for case in cases if "Shelly" in case["id"] and "refused" not in case}
    )
    return [
        "Tested with what these sent: " + "; ".join(real) + ".",
        "",
        f"Yields {kinds(measure.kind for measure in MEASURES.values())}.",
        "",
        f"Presses: {', '.join(dict.fromkeys(EVENTS.values()))}.",
    ]


def untested(parser: str) -> list[str]:
    """Name the models of a library that no vector stands for."""
    have = {
        name
        for case in adverts()
        if case["parser"] == parser
        for name in re.split("[/ ]", case["model"])
    }
    if parser == "xiaomi":
        from xiaomi_ble.devices import DEVICE_TYPES

        known = {device.model for device in DEVICE_TYPES.values()}
    elif parser == "govee":
        import govee_ble.parser

        known = set(re.findall(r'"(H5\d{3})"', inspect.getsource(govee_ble.parser)))
    elif parser == "thermopro":
        known = {"TP350S", "TP357S", "TP358", "TP359", "TP393", "TP397", "TP970R", "TP972S"}
    else:
        known = set()
    return sorted(model for model in known if have.isdisjoint(re.split("[/ ]", model)))


def section() -> list[str]:
    lines = ["## Bluetooth advertisements", ""]
    lines += [
        "In the settings: `address`, `bind_key_file` where there is a key, and `parser` only to choose another than",
        "the one that recognises the device.",
    ]
    for parser, title in TITLES.items():
        lines += ["", f"### {title} (`{parser}`)", "", NOTES[parser], ""]
        lines += bthome() if parser == "bthome" else tested(parser)
        if rest := untested(parser):
            lines += ["", f"Supported by the library, not tested here: {', '.join(rest)}."]
    beats = len(json.loads((VECTORS / "heart_rate.json").read_text()))
    lines += [
        "",
        "## Bluetooth connections",
        "",
        "| service | yields | vectors |",
        "|---|---|---|",
        f"| heart rate (0x180D), battery (0x180F) | {kinds(['heart_rate_bpm', 'skin_contact'])}, "
        f"{kinds(['battery_percent'])}; hours worn | {beats} |",
        f"| health thermometer (0x1809) | {kinds(['body_temperature_c'])} | layout only |",
        f"| weight scale (0x181D) | {kinds(['body_weight_kg'])} | layout only |",
        "| environmental sensing (0x181A) | "
        f"{kinds(['room_temperature_c', 'humidity_percent', 'pressure_hpa'])} | layout only |",
        "",
        "*Layout only*: read as the GATT Specification Supplement says, and held against no product yet.",
    ]
    return lines
