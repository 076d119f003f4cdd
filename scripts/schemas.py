"""Write the JSON Schemas of our own MQTT messages to docs/schemas; a test fails when they differ.

Usage: python scripts/schemas.py [--check]
"""

import json
import sys
from pathlib import Path

from zodra_edge.decode.mqtt.own.baby_monitor import BabyReport
from zodra_edge.decode.mqtt.own.schema import SCHEMA
from zodra_edge.decode.mqtt.own.wearable import WearableReport

FOLDER = Path(__file__).parents[1] / "docs" / "schemas"
OWN = {"baby-monitor": BabyReport, "wearable": WearableReport}


def written() -> dict[Path, str]:
    """Write each schema, by its file."""
    files = {}
    for name, form in OWN.items():
        schema = form.model_json_schema()
        schema["$schema"] = "https://json-schema.org/draft/2020-12/schema"
        schema["properties"]["schema"] = {"const": SCHEMA, "title": "Schema", "type": "integer"}
        schema["required"] = ["schema"]
        text = json.dumps(schema, indent=1, sort_keys=True) + "\n"
        files[FOLDER / f"{name}-{SCHEMA}.json"] = text
    return files


def main() -> None:
    files = written()
    if "--check" in sys.argv:
        stale = [p.name for p, text in files.items() if not p.exists() or p.read_text() != text]
        if stale:
            sys.exit(f"docs/schemas: {', '.join(stale)} is out of date: make docs")
        return
    FOLDER.mkdir(exist_ok=True)
    for path, text in files.items():
        path.write_text(text)


if __name__ == "__main__":
    main()
