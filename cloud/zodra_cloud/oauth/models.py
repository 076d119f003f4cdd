"""The values of the room. Clients, codes and tokens answer what authlib asks of them."""

import hashlib
import hmac
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

SCOPE: Final = "dash:replenish"
"""The one scope: a device may say that a slot is running out, and hear what became of it."""
GRANT_TYPES: Final = frozenset({"authorization_code", "refresh_token"})


class TokenKind(StrEnum):
    """What a token opens; also the prefix by which a leaked one is recognised."""

    CODE = "zac"
    ACCESS = "zat"
    REFRESH = "zrt"


def hashed(secret: str) -> str:
    """Give the hash under which a secret is stored; 256 random bits need no salt."""
    return hashlib.sha256(secret.encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Client:
    """A device maker's application, as authlib asks about it."""

    client_id: str
    name: str
    secret_hash: str
    secret_required: bool
    """False: devices that cannot keep a secret redeem their codes with the PKCE verifier alone."""
    redirect_uris: tuple[str, ...]
    created_at: datetime
    revoked_at: datetime | None

    def get_default_redirect_uri(self) -> str | None:
        """Give the only registered address; None where there are several to choose from."""
        return self.redirect_uris[0] if len(self.redirect_uris) == 1 else None

    def check_redirect_uri(self, redirect_uri: str) -> bool:
        """Compare exactly, character by character (RFC 9700, 2.1)."""
        return redirect_uri in self.redirect_uris

    def get_allowed_scope(self, scope: str | None) -> str | None:
        """Give what may be asked for; None if the request asks for something else."""
        return SCOPE if (scope or "").split() == [SCOPE] else None

    def check_client_secret(self, client_secret: str) -> bool:
        """Compare in constant time."""
        return hmac.compare_digest(self.secret_hash, hashed(client_secret))

    def check_endpoint_auth_method(self, method: str, endpoint: str) -> bool:
        """Tell whether the client may identify itself this way."""
        return method != "none" or not self.secret_required

    def check_response_type(self, response_type: str) -> bool:
        """Tell whether it may ask for this kind of answer."""
        return response_type == "code"

    def check_grant_type(self, grant_type: str) -> bool:
        """Tell whether it may exchange this for tokens."""
        return grant_type in GRANT_TYPES


@dataclass(frozen=True, slots=True)
class Code:
    """A stored authorization code."""

    code_hash: str
    client_id: str
    household_id: str
    person_id: str
    redirect_uri: str
    scope: str
    details: Any
    """What the household agreed to, for the room whose scope it is; JSON."""
    code_challenge: str
    created_at: datetime
    expires_at: datetime
    used_at: datetime | None
    grant_id: str | None
    """What it was exchanged for."""

    code_challenge_method = "S256"

    def get_redirect_uri(self) -> str:
        """Give the address to which it was sent."""
        return self.redirect_uri

    def get_scope(self) -> str:
        """Give what it was given for."""
        return self.scope


@dataclass(frozen=True, slots=True)
class Token:
    """A stored access or refresh token, with the grant that it belongs to."""

    token_hash: str
    household_id: str
    grant_id: str
    kind: TokenKind
    generation: int
    """Counts from 1 how often the grant was refreshed."""
    created_at: datetime
    expires_at: datetime
    used_at: datetime | None
    """When a refresh token was exchanged."""
    replaced_at: datetime | None
    """When its exchange was repeated, so that this one is void."""
    client_id: str
    scope: str
    subject: str
    revoked_at: datetime | None
    """When the whole grant was revoked."""

    def check_client(self, client: Client) -> bool:
        """Tell whether it was issued to this client."""
        return self.client_id == client.client_id

    def get_scope(self) -> str:
        """Give what it was given for."""
        return self.scope


@dataclass(frozen=True, slots=True)
class Access:
    """Whom a live access token speaks for."""

    household_id: str
    client_id: str
    grant_id: str
    subject: str
    """The device."""


@dataclass(frozen=True, slots=True)
class Agreed:
    """What a household agreed to, when its code is exchanged."""

    household_id: str
    person_id: str
    client_id: str
    details: Any


@dataclass(frozen=True, slots=True)
class Asked:
    """A valid request for an authorization, to be put before the household."""

    client_id: str
    client_name: str
    redirect_uri: str
    details: str
    """The parameter `scope_data` as sent."""


@dataclass(frozen=True, slots=True)
class NotAsked:
    """A request that is not put before the household."""

    location: str | None
    """Where the browser takes the error; None if nobody may be trusted with it: then a page."""
    error: str
    description: str


@dataclass(frozen=True, slots=True)
class Answer:
    """What the token and the revocation endpoint answer."""

    status: int
    body: dict[str, Any]
    headers: dict[str, str]
