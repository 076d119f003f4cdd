"""What others wrote is here as it was published, and says so."""

import hashlib
import json
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
FOLDERS = (ROOT / "cloud/zodra_cloud/web/static/vendor", ROOT / "tests/fixtures/vendor")


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.parent.name)
def test_each_vendored_file_is_the_published_one(folder: Path) -> None:
    listed = json.loads((folder / "VENDORED.json").read_text())
    for each in listed:
        content = (folder / each["file"]).read_bytes()
        assert hashlib.sha256(content).hexdigest() == each["sha256"], each["file"]
        assert re.fullmatch(r".+@\d+\.\d+\.\d+", each["package"])
        assert each["licence"]
        assert (folder / each["licence_file"]).is_file()
    files = {each.name for each in folder.iterdir()}
    named = {each["file"] for each in listed} | {each["licence_file"] for each in listed}
    assert files == named | {"VENDORED.json"}
