import re
import tomllib
from pathlib import Path

import pytest

from zodra_sim.brokers.access import Role
from zodra_sim.brokers.settings import BrokerSettings, Kind, User

PAGE = (Path(__file__).parents[3] / "docs" / "brokers.md").read_text()


@pytest.mark.parametrize("name", [*BrokerSettings.model_fields, *User.model_fields, *Role, *Kind])
def test_every_setting_of_a_broker_is_documented(name: str) -> None:
    assert f"`{name}`" in PAGE or f"\n{name} = " in PAGE or f'"{name}"' in PAGE or name == "users"


def test_the_example_is_one() -> None:
    [example] = re.findall(r"```toml\n(.*?)```", PAGE, re.S)
    settings = BrokerSettings.model_validate(tomllib.loads(example))
    assert [user.role for user in settings.users] == [Role.CLOUD, Role.GATEWAY]
