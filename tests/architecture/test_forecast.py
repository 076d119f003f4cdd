"""numpy stays in the room of forecasts, and its random numbers stay out of the product."""

import ast
from pathlib import Path

ROOT = Path(__file__).parents[2]
PARTS = ("contract", "edge", "cloud", "firmware-sim")
ROOM = ROOT / "cloud" / "zodra_cloud" / "forecast"


def imports_numpy(path: Path) -> bool:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import) and any(
            alias.name.split(".")[0] == "numpy" for alias in node.names
        ):
            return True
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "numpy":
            return True
    return False


def test_only_the_room_of_forecasts_imports_numpy() -> None:
    importers = {
        path.parent for part in PARTS for path in (ROOT / part).rglob("*.py") if imports_numpy(path)
    }
    assert importers <= {ROOM, ROOM / "levels"}


def test_forecasts_draw_no_random_numbers_and_read_no_files() -> None:
    forbidden = {"random", "fromfile", "load", "loadtxt", "save", "savez", "memmap", "datetime64"}
    used = [
        f"{path.name}:{node.lineno} np.{node.attr}"
        for path in sorted(ROOM.rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Name)
        and node.value.id == "np"
        and node.attr in forbidden
    ]
    assert used == []
