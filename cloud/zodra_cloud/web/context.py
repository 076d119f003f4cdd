"""What the pages work with, handed in once by the composition root."""

from dataclasses import dataclass, field
from urllib.parse import urlsplit

from zodra_cloud.kit.changes import Changes
from zodra_cloud.kit.clock import Clock
from zodra_cloud.law.service import Rules
from zodra_cloud.merchants.port import Shop
from zodra_cloud.store.engine import Database
from zodra_cloud.web.security import AttemptLimit, StreamLimit


@dataclass(frozen=True, slots=True)
class Site:
    """Everything behind the pages."""

    database: Database
    clock: Clock
    changes: Changes
    public_url: str
    """Where people reach the pages, for example `https://home.example`; decides the cookies."""
    production: bool = True
    """Whether device models that are not live are refused."""
    law: Rules = field(default_factory=Rules)
    """Labels, periods and letters, as they are in this country."""
    shop: Shop | None = None
    """Who is asked whether it sells what a subscription is to be swapped for; None: no swapping."""
    call_off_allowed: bool = False
    """Whether the country lets a press order under a standing agreement."""
    payments_on: bool = False
    """Whether a payment service charges for us; else the shop charges in its own way."""
    sign_in_attempts: AttemptLimit = field(default_factory=AttemptLimit)
    streams: StreamLimit = field(default_factory=StreamLimit)

    @property
    def https(self) -> bool:
        """Whether people reach the pages over https."""
        return urlsplit(self.public_url).scheme == "https"

    @property
    def origin(self) -> str:
        """Scheme, host and port, as browsers write it in `Origin`."""
        parts = urlsplit(self.public_url)
        return f"{parts.scheme}://{parts.netloc}"
