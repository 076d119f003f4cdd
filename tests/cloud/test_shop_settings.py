"""Which shop the settings choose, and the one sentence for each way to get it wrong."""

import tomllib
from pathlib import Path
from typing import Any

import pytest

from zodra_cloud import settings
from zodra_cloud.errors import BadSettings
from zodra_cloud.kit.clock import SystemClock
from zodra_cloud.merchants.medusa.shop import MedusaShop
from zodra_cloud.merchants.oscar.shop import OscarShop
from zodra_cloud.merchants.ucp import UcpShop
from zodra_cloud.merchants.woocommerce.shop import WooShop
from zodra_cloud.settings import Settings
from zodra_cloud.shops import connect

TERMS = '[shop.terms]\nmerchant_id = "the-shop"\nmerchant_name = "The shop"\n'
UCP = 'api_key_file = "secret"\nwebhook_secret_file = "secret"\n'
OSCAR = 'kind = "oscar"\n'
OSCAR_PART = '[shop.oscar]\nusername = "zodra"\npassword_file = "secret"\n'
MEDUSA = f"""kind = "medusa"
{TERMS}[shop.medusa]
publishable_key = "pk_1"
secret_key_file = "secret"
customer_id = "cus_1"
region_id = "reg_1"
"""
WOO = f"""kind = "woocommerce"
{TERMS}[shop.woocommerce]
consumer_key_file = "secret"
consumer_secret_file = "secret"
customer_id = 7
shipping_method = "flat_rate"
shipping_title = "Parcel"
shipping_net = "2.44"
address = {{ country = "NL", city = "Utrecht" }}
"""


def load(folder: Path, shop: str) -> Settings:
    (folder / "secret").write_text("a secret\n")
    path = folder / "cloud.toml"
    path.write_text(
        'database_url = "sqlite:////nowhere"\ndata_dir = "data"\n'
        '[broker]\npassword_file = "secret"\n[shop]\nbase_url = "https://shop.example"\n' + shop
    )
    return settings.load(path)


@pytest.mark.parametrize(
    ("shop", "kind"),
    [
        pytest.param(UCP, UcpShop, id="ucp, without saying so"),
        pytest.param(f'kind = "ucp"\n{UCP}', UcpShop, id="ucp"),
        pytest.param(OSCAR + TERMS + OSCAR_PART, OscarShop, id="oscar as it is"),
        pytest.param(
            f'{OSCAR}webhook_secret_file = "secret"\n{TERMS}{OSCAR_PART}plugin = true\n',
            OscarShop,
            id="oscar with the plug-in",
        ),
        pytest.param(MEDUSA, MedusaShop, id="medusa"),
        pytest.param(WOO, WooShop, id="woocommerce"),
    ],
)
def test_the_settings_choose_the_connector(tmp_path: Path, shop: str, kind: type[Any]) -> None:
    made = connect(load(tmp_path, shop).shop, SystemClock())
    assert type(made) is kind
    made.close()


@pytest.mark.parametrize(
    ("shop", "said"),
    [
        ('kind = "magento"\n', "shop.kind: Input should be 'ucp', 'oscar', 'medusa' or"),
        ("", 'shop: Value error, api_key_file: kind = "ucp" needs it'),
        ('api_key_file = "secret"\n', 'webhook_secret_file: kind = "ucp" needs it'),
        (UCP + OSCAR_PART, 'oscar: kind = "ucp" has no use for it; take it out'),
        (UCP + TERMS, 'terms: kind = "ucp" has no use for it; take it out'),
        (OSCAR + OSCAR_PART, 'terms: kind = "oscar" needs it'),
        (OSCAR + TERMS, 'oscar: kind = "oscar" needs it'),
        (
            OSCAR + TERMS + OSCAR_PART + "plugin = true\n",
            'webhook_secret_file: kind = "oscar" needs it',
        ),
        (
            f'{OSCAR}webhook_secret_file = "secret"\n{TERMS}{OSCAR_PART}',
            'webhook_secret_file: kind = "oscar" has no use for it; take it out',
        ),
        (
            f"{OSCAR}{TERMS}delivery_days_max = 0\n{OSCAR_PART}",
            "delivery_days_max: must not be less than delivery_days_min",
        ),
        (
            OSCAR + TERMS + '[shop.oscar]\nusername = "zodra"\n',
            "shop.oscar.password_file: the name of a file that holds the secret is required",
        ),
        (
            OSCAR + TERMS + '[shop.oscar]\nusername = "zodra"\npassword = "here"\n',
            "shop.oscar.password: write the secret to a file and name it in password_file",
        ),
        (MEDUSA.replace("region_id", "region"), "shop.medusa.region_id: Field required"),
        (
            WOO.replace('"NL"', '"BE"'),
            'woocommerce.address.country: must be "NL", as country',
        ),
        (WOO.replace("2.44", "2,44"), "shop.woocommerce.shipping_net: String should match"),
    ],
)
def test_a_wrong_shop_stops_the_start_and_is_named(tmp_path: Path, shop: str, said: str) -> None:
    with pytest.raises(BadSettings) as stopped:
        load(tmp_path, shop)
    assert said in str(stopped.value)


def test_no_secret_of_a_shop_is_shown(tmp_path: Path) -> None:
    for shop in (UCP, OSCAR + TERMS + OSCAR_PART, MEDUSA, WOO):
        assert tomllib.loads(shop)
        assert "a secret" not in repr(load(tmp_path, shop))
