"""The authorization server: authlib's rules, our store, and nothing but S256.

One is made for each request, around the unit of work that the request commits. A refusal is an
answer and commits too: a replayed code must revoke what came of it.
"""

import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

import structlog
from authlib.oauth2 import AuthorizationServer
from authlib.oauth2.rfc6749 import InvalidRequestError, OAuth2Payload, OAuth2Request, grants
from authlib.oauth2.rfc7009 import RevocationEndpoint
from authlib.oauth2.rfc7636 import CodeChallenge
from sqlalchemy import Connection

from zodra_cloud.oauth import policy, repository
from zodra_cloud.oauth.models import SCOPE, Agreed, Answer, Client, Code, Token, TokenKind, hashed
from zodra_cloud.oauth.policy import Refresh

SECRET_BYTES: Final = 32
TOKEN_CHARS_MAX: Final = 256
"""A longer token is none of ours and is not hashed."""
AUTH_METHODS: Final = ["client_secret_basic", "client_secret_post", "none"]
_URI: Final = "https://zodra/oauth"
"""authlib refuses plain http. TLS ends before this process, so it is told what people see."""

Registrar = Callable[[Connection, Agreed, datetime], str]
"""Does what the household agreed to, in the unit of work that exchanges its code; names the
subject that the tokens speak for."""

_log = structlog.get_logger("zodra_cloud.oauth")


@dataclass(frozen=True, slots=True)
class Work:
    """The unit of work of one request."""

    connection: Connection
    now: datetime
    register: Registrar


@dataclass(frozen=True, slots=True)
class Approval:
    """Who said yes, and to what."""

    household_id: str
    person_id: str
    details: Any


@dataclass(slots=True)
class Sent:
    """A request as it came in, with its parameters read once."""

    parameters: dict[str, str]
    headers: dict[str, str] = field(default_factory=dict)
    method: str = "POST"


class _Payload(OAuth2Payload):
    def __init__(self, parameters: dict[str, str]) -> None:
        self._parameters = parameters

    @property
    def data(self) -> dict[str, str]:
        return self._parameters

    @property
    def datalist(self) -> dict[str, list[str]]:
        return {name: [value] for name, value in self._parameters.items()}


class _Request(OAuth2Request):
    def __init__(self, sent: Sent) -> None:
        super().__init__(sent.method, _URI, headers=sent.headers)
        self.payload = _Payload(sent.parameters)
        self._form = sent.parameters

    @property
    def form(self) -> dict[str, str]:
        return self._form


def _secret(kind: TokenKind) -> str:
    return f"{kind}_{secrets.token_urlsafe(SECRET_BYTES)}"


class OnlyS256(CodeChallenge):
    """PKCE is not optional and `plain` is no method (RFC 9700, 2.1.1)."""

    SUPPORTED_CODE_CHALLENGE_METHOD: Final = ["S256"]

    def validate_code_challenge(self, grant: Any, redirect_uri: str) -> None:
        """Refuse a request without a challenge, or with one that is its own verifier."""
        asked = grant.request.payload.data
        if not asked.get("code_challenge"):
            raise InvalidRequestError("Missing 'code_challenge'")
        if asked.get("code_challenge_method") != "S256":
            raise InvalidRequestError("'code_challenge_method' must be S256")
        super().validate_code_challenge(grant, redirect_uri)


class CodeGrant(grants.AuthorizationCodeGrant):
    """The authorization code grant over our store."""

    TOKEN_ENDPOINT_AUTH_METHODS: Final = AUTH_METHODS

    def generate_authorization_code(self) -> str:
        """Draw a code."""
        return _secret(TokenKind.CODE)

    def save_authorization_code(self, code: str, request: Any) -> None:
        """Store what the household agreed to, by the hash of the code."""
        work: Work = self.server.work
        approval: Approval = request.user
        repository.add_code(
            work.connection,
            Code(
                code_hash=hashed(code),
                client_id=request.client.client_id,
                household_id=approval.household_id,
                person_id=approval.person_id,
                redirect_uri=request.payload.redirect_uri
                or request.client.get_default_redirect_uri(),
                scope=SCOPE,
                details=approval.details,
                code_challenge=request.payload.data["code_challenge"],
                created_at=work.now,
                expires_at=work.now + policy.CODE_LIFETIME,
                used_at=None,
                grant_id=None,
            ),
        )

    def query_authorization_code(self, code: str, client: Client) -> Code | None:
        """Read a live code; one that comes back revokes all that came of it (RFC 6749, 4.1.2)."""
        work: Work = self.server.work
        if len(code) > TOKEN_CHARS_MAX:
            return None
        found = repository.code(work.connection, hashed(code), lock=True)
        if found is None or found.client_id != client.client_id:
            return None
        if found.used_at is not None:
            self.server.revoke(found.household_id, found.grant_id, "code_replayed")
            return None
        return found if work.now < found.expires_at else None

    def authenticate_user(self, authorization_code: Code) -> Code:
        """Name whose code it is: the code says so itself."""
        return authorization_code

    def delete_authorization_code(self, authorization_code: Code) -> None:
        """Keep it: it was marked as used with the tokens that it gave."""


class RefreshGrant(grants.RefreshTokenGrant):
    """Refresh tokens that are exchanged once."""

    TOKEN_ENDPOINT_AUTH_METHODS: Final = AUTH_METHODS
    INCLUDE_NEW_REFRESH_TOKEN: Final = True

    def authenticate_refresh_token(self, refresh_token: str) -> Token | None:
        """Read a token that may be exchanged; one that two parties hold revokes its family."""
        work: Work = self.server.work
        if len(refresh_token) > TOKEN_CHARS_MAX:
            return None
        found = repository.token(work.connection, hashed(refresh_token), lock=True)
        if found is None or found.kind is not TokenKind.REFRESH:
            return None
        judged = policy.judge_refresh(
            expires_at=found.expires_at,
            revoked=found.revoked_at is not None,
            used_at=found.used_at,
            replaced=found.replaced_at is not None,
            successor_used=repository.used_after(
                work.connection, found.household_id, found.grant_id, found.generation
            ),
            now=work.now,
        )
        if judged is Refresh.REUSED:
            self.server.revoke(found.household_id, found.grant_id, "refresh_reused")
        return found if judged in (Refresh.FIRST, Refresh.REPEATED) else None

    def authenticate_user(self, refresh_token: Token) -> Token:
        """Name whose token it is: the token says so itself."""
        return refresh_token

    def revoke_old_credential(self, refresh_token: Token) -> None:
        """Keep it: it was marked as used with the tokens that it gave."""


class Revocation(RevocationEndpoint):
    """RFC 7009: revoking either token ends the whole grant."""

    CLIENT_AUTH_METHODS: Final = AUTH_METHODS

    def query_token(self, token_string: str, token_type_hint: str | None) -> Token | None:
        """Read a token of either kind."""
        if len(token_string) > TOKEN_CHARS_MAX:
            return None
        return repository.token(self.server.work.connection, hashed(token_string))

    def revoke_token(self, token: Token, request: Any) -> None:
        """Revoke its grant."""
        self.server.revoke(token.household_id, token.grant_id, "by_maker")


class Server(AuthorizationServer):
    """The authorization server around one unit of work."""

    def __init__(self, work: Work) -> None:
        super().__init__(scopes_supported=[SCOPE])
        self.work = work
        self.register_grant(CodeGrant, [OnlyS256(required=True)])
        self.register_grant(RefreshGrant)
        self.register_endpoint(Revocation)
        self.register_token_generator("default", _token_pair)

    def query_client(self, client_id: str) -> Client | None:
        """Read a client that is not shut out."""
        found = repository.client(self.work.connection, client_id)
        return None if found is None or found.revoked_at is not None else found

    def save_token(self, token: dict[str, Any], request: Any) -> None:
        """Store a pair of tokens, with the move that gave it."""
        if request.refresh_token is not None:
            self._save_refreshed(token, request.refresh_token)
        else:
            self._save_first(token, request.authorization_code)

    def _save_first(self, token: dict[str, Any], code: Code) -> None:
        connection, now = self.work.connection, self.work.now
        grant_id = f"g_{secrets.token_hex(12)}"
        subject = self.work.register(
            connection, Agreed(code.household_id, code.person_id, code.client_id, code.details), now
        )
        repository.revoke_grants(
            connection, code.household_id, "logged_in_anew", now, subject=subject
        )
        repository.add_grant(
            connection,
            household_id=code.household_id,
            grant_id=grant_id,
            client_id=code.client_id,
            scope=code.scope,
            subject=subject,
            now=now,
        )
        repository.use_code(connection, code.code_hash, grant_id, now)
        self._store_pair(token, code.household_id, grant_id, generation=1)

    def _save_refreshed(self, token: dict[str, Any], old: Token) -> None:
        connection, now = self.work.connection, self.work.now
        newest = repository.latest_generation(connection, old.household_id, old.grant_id)
        repository.replace_after(connection, old.household_id, old.grant_id, old.generation, now)
        repository.use_token(connection, old.token_hash, now)
        self._store_pair(token, old.household_id, old.grant_id, generation=newest + 1)

    def _store_pair(
        self, token: dict[str, Any], household_id: str, grant_id: str, generation: int
    ) -> None:
        now = self.work.now
        repository.forget_expired(self.work.connection, now)
        for name, kind, lifetime in (
            ("access_token", TokenKind.ACCESS, policy.ACCESS_LIFETIME),
            ("refresh_token", TokenKind.REFRESH, policy.REFRESH_LIFETIME),
        ):
            repository.add_token(
                self.work.connection,
                token_hash=hashed(token[name]),
                household_id=household_id,
                grant_id=grant_id,
                kind=kind,
                generation=generation,
                now=now,
                expires_at=now + lifetime,
            )

    def revoke(self, household_id: str, grant_id: str | None, reason: str) -> None:
        """Revoke a family of tokens."""
        if grant_id is None:
            return
        revoked = repository.revoke_grants(
            self.work.connection, household_id, reason, self.work.now, grant_id=grant_id
        )
        if revoked:
            _log.warning(
                "grant_revoked", household_id=household_id, grant_id=grant_id, reason=reason
            )

    def create_oauth2_request(self, request: Any) -> Any:
        """Turn what came in into authlib's request; one that is so already stays."""
        return request if isinstance(request, _Request) else _Request(request)

    def handle_response(self, status: int, body: Any, headers: Any) -> Answer:
        """Give an answer as a value."""
        return Answer(status, body if isinstance(body, dict) else {}, dict(headers))

    def send_signal(self, name: str, *args: Any, **kwargs: Any) -> None:
        """Nobody listens to authlib's signals."""


def _token_pair(**_asked: Any) -> dict[str, Any]:
    return {
        "token_type": "bearer",
        "access_token": _secret(TokenKind.ACCESS),
        "expires_in": int(policy.ACCESS_LIFETIME.total_seconds()),
        "refresh_token": _secret(TokenKind.REFRESH),
        "scope": SCOPE,
    }
