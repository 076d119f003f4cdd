"""The service's settings, read once from one TOML file into one frozen value.

A bad value stops the start with its name and what is allowed. Secrets are never written in the
file itself: it names files that hold them, relative to its own folder.
"""

import tomllib
from dataclasses import dataclass
from datetime import time
from pathlib import Path
from typing import Annotated, Any, Final, Literal, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    SecretStr,
    StringConstraints,
    ValidationError,
    model_validator,
)

from zodra_cloud.channels.policy import email_fault
from zodra_cloud.errors import BadSettings
from zodra_cloud.kit.outgoing import refusal
from zodra_cloud.law.labels import Channel, Choice, Control
from zodra_cloud.law.policy.period import Exclusion
from zodra_cloud.shops import Shop, Url

SECRET_BYTES_MAX: Final = 4096

Port = Annotated[int, Field(ge=1, le=65535)]
Host = Annotated[str, Field(min_length=1, max_length=253)]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Web(_Part):
    """Where the pages are served."""

    host: Host = "127.0.0.1"
    """Loopback unless told otherwise; behind a proxy with TLS it stays so."""
    port: Port = 8080
    public_url: Url = "http://127.0.0.1:8080"
    """How people reach it; with https the session's cookie is bound to it."""


class Broker(_Part):
    """The MQTT broker between gateways and us."""

    host: Host = "127.0.0.1"
    port: Port = 1883
    username: str = "cloud"
    password: SecretStr
    """From `password_file`."""
    tls: bool = False
    ca_file: Path | None = None
    """Certificates to trust; the system's own if not given."""


Country = Annotated[str, StringConstraints(pattern=r"^[A-Z]{2}$")]
"""ISO 3166-1, two capitals."""


@dataclass(frozen=True, slots=True)
class Market:
    """What the law of a country lets us do, as the operator's counsel reads it."""

    country: str
    call_off: bool
    """Whether a press may order under a standing agreement, without a labelled yes each time."""


class Replenish(_Part):
    """What becomes of needs."""

    call_off_countries: tuple[Country, ...] = ()
    """Where a press may order under a standing agreement. Empty unless counsel says otherwise:
    whether a press may call off is the least certain point of EU law (Directive 2011/83,
    article 8(2)), so no country is on the list by itself."""
    quotes_at_once: Annotated[int, Field(ge=1, le=32)] = 8
    """How many prices one process asks the shop for at the same time. Eight carry 200 a second of
    a shop that answers within 40 ms; a slower one needs more."""
    orders_at_once: Annotated[int, Field(ge=1, le=32)] = 4
    """How many other jobs wait for a shop, a payment or a mail server at the same time."""

    def market(self, country: str) -> Market:
        """Say what is allowed in a country."""
        return Market(country, call_off=country in self.call_off_countries)


class Offers(_Part):
    """When a household may be offered something; quiet hours are in its own local time."""

    quiet_from: time = time(22, 0)
    quiet_to: time = time(8, 0)
    """The same as `quiet_from`: no quiet hours."""
    per_day: Annotated[int, Field(ge=0, le=20)] = 1


class Ingest(_Part):
    """Bounds of what is taken from the broker at once."""

    rows_per_commit_max: Annotated[int, Field(ge=1, le=50_000)] = 5_000
    inbox_messages_max: Annotated[int, Field(ge=1, le=100_000)] = 2_000
    """Read but not yet stored; when it is full we stop reading, and nothing is dropped."""


class Dash(_Part):
    """Device makers and their devices; see docs/dash.md."""

    production: bool = True
    """Refuse logins that ask for device models that are not live."""
    private_address_allowed: bool = False
    """Makers' endpoints may be on this machine or in this network, and without TLS: for trials."""
    calls_per_minute: Annotated[int, Field(ge=1, le=10_000)] = 60
    """Of one device; more is answered 429."""
    secrets_key: Annotated[SecretStr, Field(min_length=32)] | None = None
    """From `secrets_key_file`, 32 characters or more; the secrets that sign notifications are
    stored under it, unreadable in a copy of the database. The same file for every worker."""
    token_requests_per_minute: Annotated[int, Field(ge=1, le=100_000)] = 600
    """From one address, which behind a proxy is everybody's."""


class Payments(_Part):
    """How households pay us; without this part the shop charges its own account."""

    provider: Literal["stripe"] = "stripe"
    base_url: Url = "https://api.stripe.com"
    api_key: SecretStr
    """From `api_key_file`."""
    webhook_secret: SecretStr
    """From `webhook_secret_file`; the provider signs its events with it."""
    link_minutes: Annotated[int, Field(ge=31, le=23 * 60)] = 60
    """How long a household has to approve a payment on the provider's page."""
    keep_method: bool = True
    """A first payment also lets us charge later orders; the provider's page says so."""
    private_address_allowed: bool = False
    """The provider may be on this machine or in this network, and without TLS: for trials."""

    @model_validator(mode="after")
    def _can_be_called(self) -> Self:
        why = refusal(self.base_url, private_allowed=self.private_address_allowed)
        if why is not None:
            raise ValueError(f"base_url: {why}, or set private_address_allowed = true for a trial")
        return self


class Api(_Part):
    """The API of households' own software; see docs/api.md."""

    calls_per_minute: Annotated[int, Field(ge=1, le=100_000)] = 120
    """Of one access token; more is answered 429."""
    streams_per_token: Annotated[int, Field(ge=1, le=100)] = 4
    """Open at the same time."""


class Mail(_Part):
    """How letters to households are sent; without this part they are only kept to download."""

    host: Host
    port: Port = 587
    security: Literal["starttls", "tls", "none"] = "starttls"
    """`tls` from the first byte (often port 465); `none` is for a server on this machine only."""
    username: Annotated[str, Field(min_length=1, max_length=320)] | None = None
    password: SecretStr | None = None
    """From `password_file`, required beside a username."""
    sender: Annotated[str, Field(max_length=254)]
    """The address that letters come from."""
    sender_name: Annotated[str, Field(min_length=1, max_length=100)] = "Zodra"
    reply_to: Annotated[str, Field(max_length=254)] | None = None
    """Where answers go, if not to the sender."""
    ca_file: Path | None = None
    """Certificates to trust; the system's own if not given."""
    timeout_s: Annotated[float, Field(ge=1, le=30)] = 10.0
    """For each answer of the server; a connection as a whole has 40 s."""
    letters_per_connection: Annotated[int, Field(ge=1, le=100)] = 20

    @model_validator(mode="after")
    def _is_safe(self) -> Self:
        for name in ("sender", "reply_to"):
            address = getattr(self, name)
            fault = None if address is None else email_fault(address)
            if fault is not None:
                raise ValueError(f"{name}: the address {fault}")
        if (self.username is None) != (self.password is None):
            raise ValueError("username and password_file: give both or none")
        loopback = self.host in ("localhost", "127.0.0.1", "::1")
        if self.security == "none" and (self.username is not None or not loopback):
            raise ValueError("security: none sends letters and passwords in the open; use starttls")
        return self


class LabelChoice(_Part):
    """Another text of the closed list of labels, for one country; see docs/law.md."""

    country: Country
    control: Control
    channel: Channel = Channel.WEB
    language: Literal["nl", "en"]
    text: Annotated[str, Field(min_length=1, max_length=60)]

    @model_validator(mode="after")
    def _is_on_the_list(self) -> Self:
        Choice(**self.model_dump())
        return self


class Subscriptions(_Part):
    """What a new subscription is offered with; one that was joined keeps its terms."""

    pre_notice_days: Annotated[int, Field(ge=1, le=14)] = 3
    """Between telling the household of a charge and making it."""
    term_months: Annotated[int, Field(ge=0, le=12)] = 0
    """The first term; after it a household can always leave within a month, on any day."""
    cancel_notice_days: Annotated[int, Field(ge=0, le=31)] = 0
    withdrawal_days: Annotated[int, Field(ge=14, le=365)] = 14
    """In which a household may withdraw from the subscription itself."""
    lead_days: Annotated[int, Field(ge=0, le=30)] = 2
    """From an order to its arrival, for dates that follow the forecast."""
    ask_each_time_countries: tuple[Country, ...] = ()
    """Where every delivery is an ordinary quote to confirm, although the contract covers it."""


class Law(_Part):
    """What consumer law asks for, where countries or operators differ; see docs/law.md."""

    withdrawal_days: Annotated[int, Field(ge=14, le=365)] = 14
    """The least that a household has; a merchant may grant more."""
    exclusions: tuple[Exclusion, ...] = tuple(Exclusion)
    """Which goods a merchant may except from withdrawal; what is not listed can always go back."""
    wait_for_goods: bool = True
    """Refund once the goods are back or sent, as the law allows, rather than at once."""
    trader: Annotated[str, Field(max_length=500)] = ""
    """Postal and e-mail address of the seller, for the contract and the withdrawal form."""
    terms_files: dict[Literal["nl", "en"], Path] = {}
    """General terms as text, by language; they go into every confirmation."""
    labels: tuple[LabelChoice, ...] = ()


class Retention(_Part):
    """What is deleted after how many days; see docs/law.md for what never is."""

    telemetry_days: Annotated[int, Field(ge=7, le=3_660)] = 400
    """Of measurements that gateways sent; what forecasts rest on is kept apart."""
    prices_days: Annotated[int, Field(ge=120, le=3_660)] = 400
    """Of prices that shops named; less would leave reductions without their thirty days before."""
    letters_days: Annotated[int, Field(ge=366, le=7_320)] = 2_557
    """Of letters that were sent; confirmations of contracts and acknowledgements stay."""


class Settings(_Part):
    """Everything `zodra-cloud` is told."""

    database_url: Annotated[str, Field(min_length=1, max_length=1_000)]
    """`sqlite:////absolute/path` or `postgresql+psycopg://user@host/database`."""
    data_dir: Path
    """Folder of the lock and of this instance's name, which is its session at the broker too."""
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    web: Web = Web()
    broker: Broker
    shop: Shop
    replenish: Replenish = Replenish()
    offers: Offers = Offers()
    ingest: Ingest = Ingest()
    dash: Dash = Dash()
    api: Api = Api()
    payments: Payments | None = None
    mail: Mail | None = None
    law: Law = Law()
    subscriptions: Subscriptions = Subscriptions()
    retention: Retention = Retention()


_SECRET_FILES: Final = {
    ("broker", "password_file"): "password",
    ("shop", "api_key_file"): "api_key",
    ("shop", "webhook_secret_file"): "webhook_secret",
    ("shop.oscar", "password_file"): "password",
    ("shop.medusa", "secret_key_file"): "secret_key",
    ("shop.woocommerce", "consumer_key_file"): "consumer_key",
    ("shop.woocommerce", "consumer_secret_file"): "consumer_secret",
    ("dash", "secrets_key_file"): "secrets_key",
    ("payments", "api_key_file"): "api_key",
    ("payments", "webhook_secret_file"): "webhook_secret",
    ("mail", "password_file"): "password",
}
_ONLY_IF_GIVEN: Final = frozenset(
    {
        ("dash", "secrets_key_file"),
        ("mail", "password_file"),
        ("shop", "api_key_file"),
        ("shop", "webhook_secret_file"),
    }
)


def load(path: Path) -> Settings:
    """Read the settings file and the secrets that it names.

    Raises:
        BadSettings: it is missing, is no TOML, or a value in it is not usable.
    """
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as fault:
        raise BadSettings(f"settings file {path}: {fault.strerror}") from fault
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as fault:
        raise BadSettings(f"settings file {path} is not TOML: {fault}") from fault
    for (part, name), becomes in _SECRET_FILES.items():
        _read_secret(path.parent, document, part, name, becomes)
    if isinstance(document.get("data_dir"), str):
        document["data_dir"] = path.parent / document["data_dir"]
    law = document.get("law")
    if isinstance(law, dict) and isinstance(law.get("terms_files"), dict):
        law["terms_files"] = {
            language: path.parent / str(file) for language, file in law["terms_files"].items()
        }
    try:
        return Settings.model_validate(document)
    except ValidationError as fault:
        lines = [
            f"{'.'.join(map(str, each['loc']))}: {each['msg']}"
            for each in fault.errors(include_url=False, include_input=False)
        ]
        raise BadSettings(f"settings file {path}: {'; '.join(lines)}") from fault


def _read_secret(
    folder: Path, document: dict[str, Any], part: str, name: str, becomes: str
) -> None:
    section: Any = document
    for name_of_part in part.split("."):
        section = section.get(name_of_part)
        if not isinstance(section, dict):
            return
    if becomes in section:
        raise BadSettings(f"{part}.{becomes}: write the secret to a file and name it in {name}")
    file = section.pop(name, None)
    if file is None and (part, name) in _ONLY_IF_GIVEN:
        return
    if not isinstance(file, str):
        raise BadSettings(f"{part}.{name}: the name of a file that holds the secret is required")
    try:
        secret = (folder / file).read_bytes()[: SECRET_BYTES_MAX + 1]
        text = secret.decode().strip()
    except OSError as fault:
        raise BadSettings(f"{part}.{name}: {folder / file}: {fault.strerror}") from fault
    except UnicodeDecodeError as fault:
        raise BadSettings(f"{part}.{name}: {folder / file} is not text") from fault
    if not text or len(secret) > SECRET_BYTES_MAX:
        raise BadSettings(f"{part}.{name}: {folder / file} is empty or over {SECRET_BYTES_MAX} B")
    section[becomes] = text
