"""The section of docs/devices.md about the home's broker."""

import importlib
import json
from pathlib import Path
from typing import Any

from zodra_contract.reading import STAYS_HOME, ReadingKind
from zodra_edge.decode.mqtt.reading.names import YIELDS as BY_NAME
from zodra_edge.decode.mqtt.registry import KNOWN, Known
from zodra_edge.decode.spoken import Dialect

ROOT = Path(__file__).parents[1]
VECTORS = ROOT / "tests" / "fixtures" / "vectors"
FREE = {Dialect.ESPHOME, Dialect.HOMIE, Dialect.SPARKPLUG}
"""Dialects whose values are named by their owners."""


def cases_of(dialect: Dialect) -> list[dict[str, Any]]:
    paths = [VECTORS / folder / f"{dialect}.json" for folder in ("mqtt", "mqtt_held_back")]
    if dialect is Dialect.ZIGBEE2MQTT:
        paths.append(VECTORS / "zigbee2mqtt.json")
    return [case for path in paths if path.exists() for case in json.loads(path.read_text())]


def yields(known: Known) -> str:
    """Name what a dialect yields."""
    if known.dialect is Dialect.GENERIC:
        return "what the rules say"
    if known.dialect is Dialect.ZODRA:
        return "what its [schemas](mqtt-dialects.md#our-own-schema) say"
    kinds: tuple[ReadingKind, ...] = BY_NAME
    if known.dialect not in FREE:
        module = importlib.import_module(f"zodra_edge.decode.mqtt.{known.module}")
        kinds = module.YIELDS
    said = ", ".join(f"`{kind}`" + " ⌂" * (kind in STAYS_HOME) for kind in kinds)
    return f"by the end of a value's name: {said}" if known.dialect in FREE else said


def section() -> list[str]:
    """Compose the part."""
    lines = [
        "## The home's broker, by dialect",
        "",
        "How they are configured: [mqtt-dialects.md](mqtt-dialects.md).",
        "",
        "| `dialect` | what | families | topic in the settings | recognised | a press is new by |",
        "|---|---|---|---|---|---|",
    ]
    for known in KNOWN:
        families = ", ".join(sorted(known.families))
        recognised = "by its topic" if known.recognised else "no: say `dialect`"
        lines.append(
            f"| `{known.dialect}` | {known.title} | {families} | `{known.example}` "
            f"| {recognised} | {known.identity} |"
        )
    lines += ["", "### What each yields", ""]
    lines += [f"- `{known.dialect}`: {yields(known)}." for known in KNOWN]
    lines += [
        "",
        "### What was tested",
        "",
        "Published messages of real devices in the tests, with where each was published. What a dialect yields beside",
        "these follows its description and was not seen from a real device.",
        "",
        "| `dialect` | described by | messages | kinds of reading seen | presses seen |",
        "|---|---|---|---|---|",
    ]
    for known in KNOWN:
        cases = [case for case in cases_of(known.dialect) if case.get("source")]
        kinds = sorted({kind for case in cases for kind in case.get("readings", {})})
        presses = sorted({press[1] for case in cases for press in case.get("presses", [])})
        lines.append(
            f"| `{known.dialect}` | {known.source} | {len(cases)} | {', '.join(kinds) or '-'} "
            f"| {', '.join(presses) or '-'} |"
        )
    return [*lines, ""]
