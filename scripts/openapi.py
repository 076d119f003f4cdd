"""Write docs/openapi.json from the routes; a test fails when the two differ."""

import json
from pathlib import Path

from fastapi import FastAPI

from zodra_cloud.api import openapi
from zodra_cloud.api.surface import routed

TARGET = Path(__file__).parents[1] / "docs" / "openapi.json"


def text() -> str:
    """Compose the document."""
    app = routed(FastAPI())
    return json.dumps(openapi.document(app), indent=1, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    TARGET.write_text(text())
