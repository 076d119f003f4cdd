"""The documentation fails when it lies."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = sorted(
    [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "deploy").rglob("*.md")]
)
MAKE_TARGETS = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))


def name(path: Path) -> str:
    return str(path.relative_to(ROOT))


def test_the_reference_is_what_the_code_says() -> None:
    run = subprocess.run(
        [sys.executable, str(ROOT / "scripts" / "reference.py"), "--check"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr


def test_the_page_of_devices_is_what_the_parsers_and_vectors_say() -> None:
    run = subprocess.run(
        [sys.executable, str(ROOT / "scripts" / "devices.py"), "--check"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr


def test_the_reference_has_the_settings_of_the_simulated_side_too() -> None:
    text = (ROOT / "docs" / "reference.md").read_text()
    for setting in ("neighbour_period_s", "shipped_after_s", "hold_parcels", "connections_max"):
        assert f"| `{setting}` |" in text
    for said in ("password_file", "token_file", "bind_key_file"):
        assert f"| `{said}` | the name of a file |" in text


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_every_link_leads_somewhere(page: Path) -> None:
    targets = re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", page.read_text())
    missing = [t for t in targets if "://" not in t and not (page.parent / t).exists()]
    assert missing == []


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_every_named_file_exists(page: Path) -> None:
    """A path in back quotes that begins with one of our folders is a promise that it is there."""
    ours = r"`((?:contract|edge|cloud|firmware-sim|tests|docs|deploy|bench|scripts)/[\w./-]+)`"
    missing = [path for path in re.findall(ours, page.read_text()) if not (ROOT / path).exists()]
    assert missing == []


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_every_make_target_that_is_named_exists(page: Path) -> None:
    named = set(
        re.findall(r"\bmake ([a-z][a-z-]*)\b(?=[`\s]*(?:`|ARGS|#|&&|$))", page.read_text(), re.M)
    )
    assert named <= MAKE_TARGETS


@pytest.mark.parametrize(
    "decision", sorted((ROOT / "docs" / "decisions").glob("*.md")), ids=lambda p: p.stem
)
def test_a_decision_fits_a_screen_and_names_what_holds_it(decision: Path) -> None:
    text = decision.read_text()
    assert len(text.splitlines()) <= 50
    assert "**Held by.**" in text


def test_the_docs_and_the_code_speak_for_themselves() -> None:
    """No machine path or registry host of whoever built it, anywhere in what is committed."""
    files = subprocess.run(
        ["git", "ls-files", "--", ":!uv.lock", ":!*/vendor/*", ":!LICENSE"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()
    foreign = re.compile("/" + r"work/|/" + r"root/|python" + r"hosted|registry\.npm" + "js")
    guilty = [
        file
        for file in files
        if (ROOT / file).is_file()
        and foreign.search((ROOT / file).read_bytes().decode("utf-8", "replace"))
    ]
    assert guilty == []
