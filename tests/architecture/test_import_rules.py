"""The dependency rule holds, and the linter that holds it notices a violation."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PARTS = ("contract", "edge", "cloud", "firmware-sim")


def lint_imports(tree: Path) -> subprocess.CompletedProcess[str]:
    paths = [str(tree / part) for part in PARTS]
    return subprocess.run(
        [str(Path(sys.executable).parent / "lint-imports"), "--no-cache"],
        cwd=tree,
        env={
            "PYTHONPATH": ":".join(paths),
            "PATH": "/usr/bin:/bin",
            "PYTHONDONTWRITEBYTECODE": "1",
        },
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture
def copied_tree(tmp_path: Path) -> Path:
    for part in PARTS:
        shutil.copytree(
            ROOT / part,
            tmp_path / part,
            ignore=shutil.ignore_patterns("__pycache__", "static", "templates"),
        )
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


VIOLATIONS = [
    pytest.param(
        "contract/zodra_contract/ids.py",
        "import socket",
        "The contract imports pydantic and value types only",
        id="the contract does I/O",
    ),
    pytest.param(
        "edge/zodra_edge/settings/__init__.py",
        "import zodra_cloud.settings",
        "Edge, cloud and simulator never import each other",
        id="the edge imports the cloud",
    ),
    pytest.param(
        "firmware-sim/zodra_sim/household/process.py",
        "import zodra_edge.decode",
        "Edge, cloud and simulator never import each other",
        id="the simulator borrows the edge's decoder",
    ),
    pytest.param(
        "edge/zodra_edge/identify.py",
        "import time",
        "Pure rooms of the edge",
        id="identify reads a clock",
    ),
    pytest.param(
        "edge/zodra_edge/decode/ble/bthome.py",
        "import zodra_edge.outbox",
        "Pure rooms of the edge",
        id="a decoder reaches into the outbox",
    ),
    pytest.param(
        "cloud/zodra_cloud/replenish/policy/needs.py",
        "import sqlalchemy",
        "Policies of the cloud",
        id="a policy asks the database",
    ),
    pytest.param(
        "cloud/zodra_cloud/forecast/values.py",
        "import random",
        "Policies of the cloud",
        id="a forecast draws a random number",
    ),
    pytest.param(
        "cloud/zodra_cloud/offers/service.py",
        "import zodra_cloud.replenish.repository",
        "Only the room replenish itself touches its tables",
        id="a room reads another room's tables",
    ),
]


def test_the_tree_keeps_the_rule() -> None:
    linted = lint_imports(ROOT)
    assert linted.returncode == 0, linted.stdout + linted.stderr


@pytest.mark.parametrize(("file", "line", "rule"), VIOLATIONS)
def test_a_violation_breaks_the_check(copied_tree: Path, file: str, line: str, rule: str) -> None:
    target = copied_tree / file
    target.write_text(target.read_text() + f"\n{line}\n")
    linted = lint_imports(copied_tree)
    assert linted.returncode != 0
    broken = [text for text in linted.stdout.splitlines() if text.endswith("BROKEN")]
    assert any(rule in text for text in broken), linted.stdout + linted.stderr
