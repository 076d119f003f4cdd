from pathlib import Path

import pytest

from zodra_sim.shop.cli import fault
from zodra_sim.shop.faults import Faults
from zodra_sim.shop.settings import ShopSettings

PAGE = (Path(__file__).parents[3] / "docs" / "shop.md").read_text()
OPTIONS = [
    option.opts[0] for option in fault.params if option.opts[0] not in {"--config", "--clear"}
]


@pytest.mark.parametrize("name", [*Faults.model_fields, *OPTIONS, *ShopSettings.model_fields])
def test_every_fault_and_setting_of_the_shop_is_documented(name: str) -> None:
    assert f"`{name}`" in PAGE or f"\n{name} = " in PAGE
