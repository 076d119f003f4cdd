"""Write docs/devices.md from the parsers, dialects and vectors; `tests/docs` fails when it lies.

Usage: python scripts/devices.py [--check]

Each `scripts/devices_*.py` is a section: its `section()` gives lines of Markdown, and they stand in
the order of the files' names.
"""

import importlib
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
TARGET = ROOT / "docs" / "devices.md"
HEAD = """# Devices that the gateway reads

Written by `make docs` from the parsers, the dialects and the tests. *Tested* means that advertisements or
messages of the real product, as somebody published them, are read right in the tests of each commit. The rest of
what a library supports is read through the same code, and nobody has held it against the real thing here.

Readings marked ⌂ tell about a person: they stay on the gateway, whatever the settings say. A press is believed only
from a device that proves itself; the others ask.

A device that is not here: look whether `zodra-edge status` names it under "Heard nearby", and see
[parsers.md](parsers.md).
"""


def page() -> str:
    sys.path.insert(0, str(Path(__file__).parent))
    parts = [HEAD.splitlines()]
    for file in sorted(Path(__file__).parent.glob("devices_*.py")):
        parts.append(importlib.import_module(file.stem).section())
    return "\n".join(line for part in parts for line in [*part, ""]).rstrip() + "\n"


def main() -> None:
    text = page()
    if "--check" in sys.argv:
        if not TARGET.exists() or TARGET.read_text(encoding="utf-8") != text:
            sys.exit("docs/devices.md is out of date: make docs")
        return
    TARGET.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
