"""The walk of docs/dash.md works to the letter: its commands are run as they stand."""

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from cloud_serving import Serving, free_port
from shop_process import API_KEY, SECRET, ShopProcess

PAGE = Path(__file__).parents[3] / "docs" / "dash.md"


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """A folder that looks like this repository while `make demo` runs."""
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
    settings = re.sub(r"(?m)^base_url = .*$", f'base_url = "{shop.url}"', settings)
    (config / "cloud.toml").write_text(settings + "[dash]\nprivate_address_allowed = true\n")
    home = (config / "home.toml").read_text().replace("hh-1", "hh-demo")
    (config / "home.toml").write_text(home)
    (tmp_path / ".venv").symlink_to(sys.prefix)
    serving.set_up()
    try:
        serving.start_broker()
        serving.start()
        with shop:
            yield tmp_path
    finally:
        serving.close()


def test_the_walk(folder: Path) -> None:
    walk = PAGE.read_text().split("## A walk")[1].split("\n## ")[0]
    commands = "\n".join(re.findall(r"```bash\n(.*?)```", walk, re.S))
    for port in ("9700", "9999"):
        commands = commands.replace(port, str(free_port()))
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
    assert '"detailCode":"STANDARD_ORDER_PLACED"' in done.stdout, said
    assert '"detailCode":"ORDER_INPROGRESS"' in done.stdout, said
    for kind in ("DeviceRegistered", "SubscriptionChanged", "OrderPlaced", "ItemShipped"):
        assert f"{kind}Notification  delivered" in done.stdout, said
