"""Each part imports only what its extra brings, and a command without its extra says which one."""

import ast
import re
import subprocess
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
PARTS = {
    "contract": ("contract/zodra_contract", []),
    "edge": ("edge/zodra_edge", PROJECT["optional-dependencies"]["edge"]),
    "cloud": ("cloud/zodra_cloud", PROJECT["optional-dependencies"]["cloud"]),
    "sim": ("firmware-sim/zodra_sim", PROJECT["optional-dependencies"]["sim"]),
}
COMMANDS = {
    "zodra-edge": ("zodra_edge.__main__", "edge"),
    "zodra-cloud": ("zodra_cloud.__main__", "cloud"),
    "zodra-sim": ("zodra_sim.__main__", "sim"),
    "zodra": ("zodra_sim.demo.__main__", "all"),
}
# Named by the requirement of another package, and by nobody's choice of ours.
COMES_WITH = {
    "starlette": "fastapi",
    "sensor-state-data": "bthome-ble",
    "markupsafe": "jinja2",
    "pwdlib": "amqtt",
}


def distribution(requirement: str) -> str:
    match = re.match(r"[A-Za-z0-9._-]+", requirement)
    assert match
    return match[0].lower().replace("_", "-")


def imported(folder: Path) -> set[str]:
    names: set[str] = set()
    for path in folder.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                names |= {alias.name.split(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                names.add(node.module.split(".")[0])
    return names - set(sys.stdlib_module_names) - {"__future__"}


@pytest.mark.parametrize("part", PARTS)
def test_a_part_imports_only_what_its_extra_brings(part: str) -> None:
    folder, extra = PARTS[part]
    allowed = {distribution(r) for r in [*PROJECT["dependencies"], *extra]}
    where = packages_distributions()
    foreign = set()
    for name in imported(ROOT / folder):
        if name.startswith("zodra_"):
            continue
        brought = {distribution(d) for d in where.get(name, [name])}
        brought |= {COMES_WITH[d] for d in brought if d in COMES_WITH}
        if not brought & allowed:
            foreign.add(name)
    assert foreign == set()


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_without_its_extra_names_it_in_one_sentence(command: str) -> None:
    module, extra = COMMANDS[command]
    absent = "import sys; sys.modules['click'] = None; "
    run = subprocess.run(
        [sys.executable, "-c", f"{absent}from {module} import main; main()"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode not in (0, None)
    assert f"zodra[{extra}]" in run.stderr
    assert len(run.stderr.strip().splitlines()) == 1


def test_every_dependency_has_its_line_in_the_decision() -> None:
    text = (ROOT / "docs/decisions/0007-dependencies.md").read_text()
    everything = {
        distribution(r)
        for requirements in PROJECT["optional-dependencies"].values()
        for r in requirements
    } - {"zodra"}
    assert {name for name in everything if name not in text} == set()
