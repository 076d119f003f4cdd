"""Rooms, files and functions keep a size that a newcomer reads in one sitting."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PARTS = ("contract", "edge", "cloud", "firmware-sim")
FILE_LINES_MAX = 400
FUNCTION_LINES_MAX = 70
ROOM_FILES_MAX = 12
WALL = ROOT / "edge/zodra_edge/decode/ble/guard.py"

SOURCES = [path for part in PARTS for path in sorted((ROOT / part).rglob("*.py"))]
LOG = ROOT / "cloud/zodra_cloud/store/migrations/versions"
"""Migrations are only ever added; nobody reads that folder in one sitting."""
ROOMS = sorted({path.parent for path in SOURCES} - {LOG})


def name(path: Path) -> str:
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("path", SOURCES, ids=name)
def test_a_file_is_read_in_one_sitting(path: Path) -> None:
    assert len(path.read_text().splitlines()) <= FILE_LINES_MAX


@pytest.mark.parametrize("path", SOURCES, ids=name)
def test_a_function_fits_on_a_screen(path: Path) -> None:
    long = [
        f"{node.name}: {node.end_lineno - node.lineno + 1} lines"
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and node.end_lineno is not None
        and node.end_lineno - node.lineno >= FUNCTION_LINES_MAX
    ]
    assert long == []


@pytest.mark.parametrize("room", ROOMS, ids=name)
def test_a_room_is_small(room: Path) -> None:
    doors = [p for p in room.glob("*.py") if p.name not in {"__init__.py", "__main__.py"}]
    assert len(doors) <= ROOM_FILES_MAX, sorted(p.name for p in doors)


@pytest.mark.parametrize("path", SOURCES, ids=name)
def test_a_module_says_what_it_is_for(path: Path) -> None:
    tree = ast.parse(path.read_text())
    assert ast.get_docstring(tree) or not tree.body


@pytest.mark.parametrize("part", PARTS)
def test_catching_everything_happens_at_most_once_a_part(part: str) -> None:
    """Raise or handle: only a part's supervisor may swallow what it does not know.

    A handler that cleans up and raises again swallows nothing. One wall stands around the code of
    others that reads a stranger's bytes.
    """
    catchers = [
        f"{name(path)}:{node.lineno}"
        for path in sorted((ROOT / part).rglob("*.py"))
        if path != WALL
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.ExceptHandler)
        and (
            node.type is None
            or (isinstance(node.type, ast.Name) and node.type.id in {"Exception", "BaseException"})
        )
        and not (isinstance(node.body[-1], ast.Raise) and node.body[-1].exc is None)
    ]
    assert len(catchers) <= 1, catchers


def test_patterns_of_a_gateway_name_their_letters() -> None:
    r"""`\w` is every letter of Unicode; repeated up to 32 times it took 5 MB of each gateway."""
    wide = [
        f"{name(path)}: {node.value}"
        for path in SOURCES
        if path.is_relative_to(ROOT / "edge") or path.is_relative_to(ROOT / "contract")
        for call in ast.walk(ast.parse(path.read_text()))
        if isinstance(call, ast.Call) and getattr(call.func, "id", "") == "StringConstraints"
        for node in ast.walk(call)
        if isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and any(sign in node.value for sign in (r"\w", r"\d", r"\s"))
    ]
    assert wide == []
