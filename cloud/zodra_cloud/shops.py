"""Which shop the service orders at: the part `[shop]` of the settings, and its connector.

Each kind has its own part with what its owner gave us; see docs/merchants.md.
"""

from collections.abc import Callable
from datetime import timedelta
from typing import Annotated, Final, Literal, Protocol, Self, TypeVar

from pydantic import BaseModel, ConfigDict, Field, SecretStr, StringConstraints, model_validator

from zodra_cloud.kit.clock import Clock
from zodra_cloud.kit.outgoing import Outgoing, refusal
from zodra_cloud.merchants import terms
from zodra_cloud.merchants.medusa import shop as medusa
from zodra_cloud.merchants.oscar.api import Account
from zodra_cloud.merchants.oscar.shop import OscarShop
from zodra_cloud.merchants.port import Shop as ShopPort
from zodra_cloud.merchants.ucp import UcpShop
from zodra_cloud.merchants.woocommerce import shop as woocommerce
from zodra_contract.ids import Id

Url = Annotated[str, StringConstraints(pattern=r"^https?://[^\s/?#]+(/[^\s?#]*)?$", max_length=500)]
Name = Annotated[str, Field(min_length=1, max_length=200)]
Days = Annotated[int, Field(ge=0, le=365)]
AddressField = Annotated[str, Field(max_length=200)]


_T = TypeVar("_T")


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Terms(_Part):
    """What the merchant agreed to and its shop's interface does not tell; not for `ucp`."""

    merchant_id: Id
    merchant_name: Name
    delivery_days_min: Days = 1
    delivery_days_max: Days = 3
    returns_days: Days = 14
    returns_sealed_only: bool = False
    terms_url: Url | None = None
    returns_url: Url | None = None
    quote_holds_minutes: Annotated[int, Field(ge=1, le=24 * 60)] = 15
    """How long a price holds."""

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.delivery_days_max < self.delivery_days_min:
            raise ValueError("delivery_days_max: must not be less than delivery_days_min")
        return self

    def promised(self) -> terms.Terms:
        """Give it as the connectors read it."""
        said = self.model_dump(exclude={"quote_holds_minutes"})
        return terms.Terms(**said, quote_holds=timedelta(minutes=self.quote_holds_minutes))


class Oscar(_Part):
    """Our account at a django-oscar shop; its default delivery address is where orders go."""

    username: Name
    password: SecretStr
    """From `password_file`."""
    plugin: bool = False
    """Whether `deploy/shops/oscar` is installed there: cancelling, refunds and signed events."""
    api_path: Annotated[str, StringConstraints(pattern=r"^(/[\w.-]+)+$", max_length=100)] = "/api"
    """Where oscarapi is mounted."""


class Medusa(_Part):
    """What the owner of a Medusa shop gave us."""

    publishable_key: Name
    """Of the sales channel; no secret."""
    secret_key: SecretStr
    """From `secret_key_file`."""
    customer_id: Name
    """Our account; its delivery address is where orders go."""
    region_id: Name
    payment_provider_id: Name = "pp_system_default"


class WooCommerce(_Part):
    """What the owner of a WooCommerce shop gave us; tried by contract only."""

    consumer_key: SecretStr
    """From `consumer_key_file`."""
    consumer_secret: SecretStr
    """From `consumer_secret_file`."""
    customer_id: Annotated[int, Field(ge=1)]
    """Our account."""
    address: Annotated[dict[Name, AddressField], Field(max_length=20)]
    """Where orders go, in WooCommerce's own fields; `country` must be the shop's country here."""
    shipping_method: Name
    shipping_title: Name
    shipping_net: Annotated[str, StringConstraints(pattern=r"^\d{1,6}(\.\d{1,3})?$")]
    """Without VAT, in whole units: REST v3 prices no shipping, so it is agreed."""
    currency: Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$")] = "EUR"


Kind = Literal["ucp", "oscar", "medusa", "woocommerce"]


class Shop(_Part):
    """The shop that quotes and takes orders."""

    kind: Kind = "ucp"
    """Which connector speaks to it; all but `ucp` need the part of their name and `shop.terms`."""
    base_url: Url
    api_key: SecretStr | None = None
    """From `api_key_file`; `ucp` needs it."""
    webhook_secret: SecretStr | None = None
    """From `webhook_secret_file`; the shop signs its events with it. `ucp` and oscar's plug-in."""
    country: Annotated[str, StringConstraints(pattern=r"^[A-Z]{2}$")] = "NL"
    """Where it delivers to."""
    private_address_allowed: bool = False
    """The shop may be on this machine or in this network, and without TLS: for trials."""
    terms: Terms | None = None
    oscar: Oscar | None = None
    medusa: Medusa | None = None
    woocommerce: WooCommerce | None = None

    @model_validator(mode="after")
    def _can_be_called(self) -> Self:
        why = refusal(self.base_url, private_allowed=self.private_address_allowed)
        if why is not None:
            raise ValueError(f"base_url: {why}, or set private_address_allowed = true for a trial")
        return self

    @model_validator(mode="after")
    def _is_whole(self) -> Self:
        needed, allowed = self._needs()
        for name, said in _PARTS.items():
            given = getattr(self, name) is not None
            if name in needed and not given:
                raise ValueError(f'{said}: kind = "{self.kind}" needs it')
            if given and name not in allowed:
                raise ValueError(f'{said}: kind = "{self.kind}" has no use for it; take it out')
        return self

    def _needs(self) -> tuple[set[str], set[str]]:
        """Give what must be there, and all that may be."""
        if self.kind == "ucp":
            needed = {"api_key", "webhook_secret"}
            return needed, needed
        needed = {self.kind, "terms"}
        if self.oscar is not None and self.oscar.plugin:
            needed.add("webhook_secret")
        return needed, needed

    @model_validator(mode="after")
    def _delivers_there(self) -> Self:
        if self.woocommerce and self.woocommerce.address.get("country") != self.country:
            raise ValueError(f'woocommerce.address.country: must be "{self.country}", as country')
        return self


_PARTS: Final = {
    "api_key": "api_key_file",
    "terms": "terms",
    "oscar": "oscar",
    "medusa": "medusa",
    "woocommerce": "woocommerce",
    "webhook_secret": "webhook_secret_file",
}
"""What a kind may need, and how a settings file calls it, in the order in which it is missed."""


class Connector(ShopPort, Protocol):
    """A shop with connections to close."""

    def close(self) -> None:
        """Close the connections."""


def connect(shop: Shop, clock: Clock) -> Connector:
    """Make the connector that the settings ask for; nothing is called yet."""
    return _MAKERS[shop.kind](shop, clock)


def _outgoing(shop: Shop, clock: Clock) -> Outgoing:
    return Outgoing(shop.base_url, clock.monotonic, private_allowed=shop.private_address_allowed)


def _ucp(shop: Shop, clock: Clock) -> Connector:
    return UcpShop(
        shop.base_url,
        _given(shop.api_key).get_secret_value(),
        clock.monotonic,
        private_allowed=shop.private_address_allowed,
    )


def _oscar(shop: Shop, clock: Clock) -> Connector:
    ours = _given(shop.oscar)
    return OscarShop(
        _outgoing(shop, clock),
        Account(ours.username, ours.password.get_secret_value()),
        _given(shop.terms).promised(),
        plugin=ours.plugin,
        api_path=ours.api_path,
    )


def _medusa(shop: Shop, clock: Clock) -> Connector:
    ours = _given(shop.medusa)
    access = medusa.Access(
        **ours.model_dump(exclude={"secret_key"}), secret_key=ours.secret_key.get_secret_value()
    )
    return medusa.MedusaShop(_outgoing(shop, clock), access, _given(shop.terms).promised())


def _woocommerce(shop: Shop, clock: Clock) -> Connector:
    ours = _given(shop.woocommerce)
    access = woocommerce.Access(
        **ours.model_dump(exclude={"consumer_key", "consumer_secret"}),
        consumer_key=ours.consumer_key.get_secret_value(),
        consumer_secret=ours.consumer_secret.get_secret_value(),
    )
    return woocommerce.WooShop(_outgoing(shop, clock), access, _given(shop.terms).promised())


def _given(part: _T | None) -> _T:
    if part is None:
        raise AssertionError("the settings were not checked")
    return part


_MAKERS: Final[dict[Kind, Callable[[Shop, Clock], Connector]]] = {
    "ucp": _ucp,
    "oscar": _oscar,
    "medusa": _medusa,
    "woocommerce": _woocommerce,
}
