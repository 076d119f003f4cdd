"""The walk of docs/api.md works to the letter: its commands are run as they stand."""

import re
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from business_builders import press
from cloud_serving import Serving, until
from shop_process import API_KEY, SECRET, ShopProcess
from zodra_cloud.consent import service as consent
from zodra_cloud.consent.service import Method, Purpose
from zodra_cloud.ingest import service as needs
from zodra_cloud.kit.changes import Changes
from zodra_cloud.replenish import service as replenish
from zodra_cloud.store.engine import Database

PAGE = Path(__file__).parents[3] / "docs" / "api.md"
HOUSEHOLD = "hh-demo"


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """A folder that looks like this repository while `make demo` runs, after one press."""
    config = tmp_path / "demo-data" / "config"
    config.mkdir(parents=True)
    serving = Serving(config, f"sqlite:///{tmp_path / 'cloud.db'}")
    (config / "shop.key").write_text(API_KEY)
    (config / "shop.webhook").write_text(SECRET)
    shop = ShopProcess(
        tmp_path,
        webhook_url=f"{serving.url}/merchants/ucp/events",
        shipped_after_s=0.2,
        delivered_after_s=86_400,
    )
    settings = (config / "cloud.toml").read_text()
    (config / "cloud.toml").write_text(
        re.sub(r"(?m)^base_url = .*$", f'base_url = "{shop.url}"', settings)
    )
    home = (config / "home.toml").read_text().replace("hh-1", HOUSEHOLD)
    bound = home.replace('metering = "press"', 'metering = "press"\nsku = "paper-towels-6"', 1)
    (config / "home.toml").write_text(bound)
    (tmp_path / ".venv").symlink_to(sys.prefix)
    serving.set_up()
    database = Database.open(serving.database_url)
    try:
        serving.start_broker()
        with shop:
            serving.start()
            _press(database)
            yield tmp_path
    finally:
        database.close()
        serving.close()


def _press(database: Database) -> None:
    now = datetime.now(UTC)
    with database.write(HOUSEHOLD) as connection:
        consent.grant(
            connection,
            HOUSEHOLD,
            Purpose.REPLENISH,
            person_id="u-1",
            language="en",
            method=Method.SETUP,
            now=now,
            changes=Changes(),
        )
        needs.take_in(connection, HOUSEHOLD, press(at=now), source="gw-1", now=now)

    def quoted() -> bool:
        with database.read() as connection:
            return bool(replenish.open_quotes(connection, HOUSEHOLD))

    until(quoted, "the quote is there")


def test_the_walk(folder: Path) -> None:
    walk = PAGE.read_text().split("## A walk")[1].split("\n## ")[0]
    commands = "\n".join(re.findall(r"```bash\n(.*?)```", walk, re.S))
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", commands],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=90,
        check=False,
    )
    said = f"{done.stdout}\n{done.stderr}"
    assert done.returncode == 0, said
    first, again = re.findall(r'(?:first|again): (\{"order_key":"[^"]+"\})', done.stdout)
    assert first == again, said
    for told in (
        '"scopes":["act","read"]',
        '"state":"asked"',
        '"total":{"amount_minor"',
        "event: standing",
        "event: order.placed",
        "event: order.shipped",
        '"state":"shipped"',
        '"spend_cap_minor":5000',
        '"code":"changed_meanwhile"',
        "Er is niets gedaan.",
        "is revoked.",
        '"code":"token_invalid"',
    ):
        assert told in done.stdout, f"{told} is not in\n{said}"
