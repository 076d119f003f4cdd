"""Write docs/openapi.json from the routes; a test fails when the two differ."""

import json
from pathlib import Path

from zodra_cloud.api.surface import described

TARGET = Path(__file__).parents[1] / "docs" / "openapi.json"


def text() -> str:
    """Compose the document."""
    return json.dumps(described(), indent=1, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    TARGET.write_text(text())
