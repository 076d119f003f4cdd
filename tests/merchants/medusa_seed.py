"""Sets a Medusa shop up as a shop in the Netherlands would: region, VAT, shipping, three products.

Through its own admin interface; there is no invented person.
"""

from dataclasses import dataclass
from typing import Any

import httpx2

ADMIN = ("admin@shop.example", "shop-password")


@dataclass
class Seeded:
    """What a connector and a test must know of the shop."""

    publishable_key: str
    secret_key: str
    region_id: str
    variants: dict[str, str]
    """By SKU."""
    inventory: dict[str, str]
    location_id: str
    products: dict[str, str]
    customer_id: str


class Admin:
    """The shop's owner."""

    def __init__(self, url: str) -> None:
        self._client = httpx2.Client(base_url=url, trust_env=False, timeout=60)
        email, password = ADMIN
        said = self._client.post(
            "/auth/user/emailpass", json={"email": email, "password": password}
        )
        self._client.headers["authorization"] = f"Bearer {said.raise_for_status().json()['token']}"

    def close(self) -> None:
        self._client.close()

    def get(self, path: str, **query: Any) -> Any:
        return self._client.get(f"/admin{path}", params=query).raise_for_status().json()

    def post(self, path: str, body: dict[str, Any]) -> Any:
        said = self._client.post(f"/admin{path}", json=body)
        assert said.is_success, (path, said.text)
        return said.json()


GOODS = [
    ("paper-towels-6", "Paper towels, 6 rolls", 7.99, 100_000),
    ("coffee-1kg", "Coffee beans, 1 kg", 12.98, 100_000),
    ("soap-refill", "Hand soap, refill", 4.95, 2),
]


def seed(url: str) -> Seeded:
    admin = Admin(url)
    store = admin.get("/stores")["stores"][0]
    channel = store["default_sales_channel_id"]
    admin.post(
        f"/stores/{store['id']}",
        {
            "supported_currencies": [
                {"currency_code": "eur", "is_default": True, "is_tax_inclusive": True}
            ]
        },
    )
    region = admin.post(
        "/regions",
        {
            "name": "Netherlands",
            "currency_code": "eur",
            "countries": ["nl"],
            "payment_providers": ["pp_system_default"],
            "automatic_taxes": True,
            "is_tax_inclusive": True,
        },
    )["region"]
    admin.post(
        "/tax-regions",
        {
            "country_code": "nl",
            "provider_id": "tp_system",
            "default_tax_rate": {"name": "BTW", "code": "NL21", "rate": 21},
        },
    )
    location, option = _shipping(admin, channel, region["id"])
    assert option
    profile = admin.get("/shipping-profiles")["shipping_profiles"][0]["id"]
    variants: dict[str, str] = {}
    inventory: dict[str, str] = {}
    products: dict[str, str] = {}
    for sku, title, price, stock in GOODS:
        product = admin.post(
            "/products",
            {
                "title": title,
                "status": "published",
                "shipping_profile_id": profile,
                "sales_channels": [{"id": channel}],
                "options": [{"title": "Size", "values": ["One"]}],
                "variants": [
                    {
                        "title": "One",
                        "sku": sku,
                        "options": {"Size": "One"},
                        "manage_inventory": True,
                        "prices": [{"currency_code": "eur", "amount": price}],
                    }
                ],
            },
        )["product"]
        products[sku] = product["id"]
        variants[sku] = product["variants"][0]["id"]
        item = admin.get("/inventory-items", sku=sku)["inventory_items"][0]["id"]
        inventory[sku] = item
        admin.post(
            f"/inventory-items/{item}/location-levels",
            {"location_id": location, "stocked_quantity": stock},
        )
    keys = admin.get("/api-keys", type="publishable")["api_keys"]
    secret = admin.post("/api-keys", {"title": "zodra", "type": "secret"})["api_key"]
    customer = admin.post("/customers", {"email": "orders@zodra.example"})["customer"]["id"]
    admin.post(
        f"/customers/{customer}/addresses",
        {
            "first_name": "The",
            "last_name": "Household",
            "address_1": "Dorpsstraat 1",
            "postal_code": "3511AA",
            "city": "Utrecht",
            "country_code": "nl",
            "is_default_shipping": True,
        },
    )
    admin.close()
    return Seeded(
        publishable_key=keys[0]["token"],
        secret_key=secret["token"],
        region_id=region["id"],
        variants=variants,
        inventory=inventory,
        location_id=location,
        products=products,
        customer_id=customer,
    )


def _shipping(admin: Admin, channel: str, region_id: str) -> tuple[str, str]:
    location = admin.post(
        "/stock-locations",
        {"name": "Depot", "address": {"address_1": "Depotweg 1", "country_code": "nl"}},
    )["stock_location"]["id"]
    admin.post(f"/stock-locations/{location}/sales-channels", {"add": [channel]})
    admin.post(f"/stock-locations/{location}/fulfillment-providers", {"add": ["manual_manual"]})
    sets = admin.post(
        f"/stock-locations/{location}/fulfillment-sets?fields=*fulfillment_sets",
        {"name": "Parcels", "type": "shipping"},
    )["stock_location"]["fulfillment_sets"]
    zone = admin.post(
        f"/fulfillment-sets/{sets[0]['id']}/service-zones",
        {"name": "NL", "geo_zones": [{"type": "country", "country_code": "nl"}]},
    )["fulfillment_set"]["service_zones"][0]["id"]
    profile = admin.get("/shipping-profiles")["shipping_profiles"][0]["id"]
    option = admin.post(
        "/shipping-options",
        {
            "name": "Parcel post",
            "service_zone_id": zone,
            "shipping_profile_id": profile,
            "provider_id": "manual_manual",
            "price_type": "flat",
            "type": {"label": "Parcel", "description": "By parcel post", "code": "parcel"},
            "prices": [{"currency_code": "eur", "amount": 2.95}],
        },
    )["shipping_option"]["id"]
    assert region_id
    return location, option
