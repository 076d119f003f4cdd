"""What other rooms use of OAuth: clients, consent, tokens.

Every function works inside the caller's unit of work, but for `token` and `revoke`, which open
their own: whose household a token is, only its row says.
"""

import re
import secrets
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from authlib.oauth2 import OAuth2Error
from authlib.oauth2.rfc6749 import AccessDeniedError, InvalidRequestError
from sqlalchemy import Connection

from zodra_cloud.errors import AlreadyThere, BadRequest, UnknownThing
from zodra_cloud.oauth import policy, repository
from zodra_cloud.oauth.models import (
    Access,
    Agreed,
    Answer,
    Asked,
    Client,
    NotAsked,
    TokenKind,
    hashed,
)
from zodra_cloud.oauth.server import (
    SECRET_BYTES,
    TOKEN_CHARS_MAX,
    Approval,
    Registrar,
    Revocation,
    Sent,
    Server,
    Work,
)
from zodra_cloud.store.engine import Database
from zodra_contract.ids import ID_PATTERN

__all__ = [
    "Access",
    "Agreed",
    "Answer",
    "Asked",
    "Client",
    "NotAsked",
    "Registrar",
    "add_client",
    "all_clients",
    "approve",
    "bearer",
    "client",
    "consider",
    "deny",
    "end_grants",
    "renew_secret",
    "revoke",
    "revoke_client",
    "token",
]

CLIENTS_MAX: Final = 1_000
NAME_CHARS_MAX: Final = 80


def add_client(
    connection: Connection,
    client_id: str,
    *,
    name: str,
    redirect_uris: tuple[str, ...],
    secret_required: bool,
    now: datetime,
) -> str:
    """Register a device maker's application.

    Returns:
        Its secret, which is not stored and cannot be shown again.

    Raises:
        BadRequest: an id, a name or an address that is none; says which and why.
        AlreadyThere: the id is taken.
    """
    if re.match(ID_PATTERN, client_id) is None or client_id.endswith("\n"):
        raise BadRequest(f"client id {client_id!r}: use 1 to 64 letters, digits, '-' and '_'")
    if not name.strip() or len(name) > NAME_CHARS_MAX or not name.isprintable():
        raise BadRequest(f"name {name!r}: people read it; use 1 to {NAME_CHARS_MAX} characters")
    if not 1 <= len(redirect_uris) <= policy.REDIRECTS_MAX:
        raise BadRequest(f"give 1 to {policy.REDIRECTS_MAX} redirect addresses")
    for uri in redirect_uris:
        if fault := policy.redirect_fault(uri):
            raise BadRequest(f"redirect address {uri!r}: {fault}")
    secret = secrets.token_urlsafe(SECRET_BYTES)
    added = repository.add_client(
        connection,
        Client(
            client_id=client_id,
            name=name.strip(),
            secret_hash=hashed(secret),
            secret_required=secret_required,
            redirect_uris=redirect_uris,
            created_at=now,
            revoked_at=None,
        ),
    )
    if not added:
        raise AlreadyThere("client", client_id)
    return secret


def renew_secret(connection: Connection, client_id: str) -> str:
    """Replace a client's secret; the old one ends at once. Raises `UnknownThing`."""
    secret = secrets.token_urlsafe(SECRET_BYTES)
    if not repository.set_secret(connection, client_id, hashed(secret)):
        raise UnknownThing("client", client_id)
    return secret


def revoke_client(connection: Connection, client_id: str, now: datetime) -> None:
    """Shut a client out: no code, no token, no call of its devices. Raises `UnknownThing`."""
    if not repository.revoke_client(connection, client_id, now):
        raise UnknownThing("live client", client_id)


def client(connection: Connection, client_id: str) -> Client:
    """Read a client. Raises `UnknownThing`."""
    found = repository.client(connection, client_id)
    if found is None:
        raise UnknownThing("client", client_id)
    return found


def all_clients(connection: Connection) -> list[Client]:
    """Read the first `CLIENTS_MAX` clients by id, for an operator."""
    return repository.all_clients(connection, CLIENTS_MAX)


def consider(
    connection: Connection, parameters: Mapping[str, str], now: datetime
) -> Asked | NotAsked:
    """Check a request for an authorization before the household sees it."""
    server, sent = _server(connection, now), _sent(parameters)
    if isinstance(sent, NotAsked):
        return sent
    try:
        grant = server.get_consent_grant(sent)
    except OAuth2Error as error:
        return _not_asked(error, parameters)
    found: Client = grant.client
    return Asked(
        client_id=found.client_id,
        client_name=found.name,
        redirect_uri=grant.redirect_uri,
        details=parameters.get("scope_data", ""),
    )


def approve(
    connection: Connection,
    parameters: Mapping[str, str],
    *,
    household_id: str,
    person_id: str,
    details: Any,
    now: datetime,
) -> str | NotAsked:
    """Take the household's yes; give where its browser goes, with a code that lives minutes.

    Args:
        connection: of a unit of work that names the household.
        parameters: of the request, checked once more.
        household_id: of the session.
        person_id: of the session.
        details: JSON that the room behind the scope gets back when the code is exchanged.
        now: the instant.
    """
    server, sent = _server(connection, now), _sent(parameters)
    if isinstance(sent, NotAsked):
        return sent
    try:
        grant = server.get_consent_grant(sent)
    except OAuth2Error as error:
        return _not_asked(error, parameters)
    answer: Answer = server.create_authorization_response(
        grant.request, grant_user=Approval(household_id, person_id, details), grant=grant
    )
    return answer.headers["Location"]


def deny(asked: Asked, parameters: Mapping[str, str], fault: str = "") -> str:
    """Give where a browser goes with a no: the household's, or ours to what the scope data says.

    Args:
        asked: as considered.
        parameters: of the request.
        fault: what is wrong with the scope data; empty for the household's own no.
    """
    kind = InvalidRequestError if fault else AccessDeniedError
    error = kind(
        _describable(fault) or None, redirect_uri=asked.redirect_uri, state=parameters.get("state")
    )
    return str(error(None)[2][0][1])


def token(
    database: Database,
    parameters: Mapping[str, str],
    headers: Mapping[str, str],
    register: Registrar,
    now: datetime,
) -> Answer:
    """Exchange a code or a refresh token (RFC 6749, 4.1.3 and 6)."""
    grant_type = parameters.get("grant_type", "")
    if not policy.may_be_described(grant_type):
        return _refused("invalid_request", "Missing or malformed 'grant_type'")
    given = parameters.get("code" if grant_type == "authorization_code" else "refresh_token", "")
    with database.write(_owner(database, given)) as connection:
        server = Server(Work(connection, now, register))
        answer: Answer = server.create_token_response(Sent(dict(parameters), dict(headers)))
    return answer


def revoke(
    database: Database, parameters: Mapping[str, str], headers: Mapping[str, str], now: datetime
) -> Answer:
    """Revoke the grant of a token (RFC 7009); a token that is none is revoked already."""
    with database.write(_owner(database, parameters.get("token", ""))) as connection:
        server = _server(connection, now)
        answer: Answer = server.create_endpoint_response(
            Revocation.ENDPOINT_NAME, Sent(dict(parameters), dict(headers))
        )
    return answer


def bearer(connection: Connection, presented: str, now: datetime) -> Access | None:
    """Read whom an access token speaks for; None unless it is live, and its client is."""
    if len(presented) > TOKEN_CHARS_MAX:
        return None
    found = repository.token(connection, hashed(presented))
    if found is None or found.kind is not TokenKind.ACCESS:
        return None
    if found.revoked_at is not None or found.replaced_at is not None or now >= found.expires_at:
        return None
    owner = repository.client(connection, found.client_id)
    if owner is None or owner.revoked_at is not None:
        return None
    return Access(found.household_id, found.client_id, found.grant_id, found.subject)


def end_grants(
    connection: Connection, household_id: str, subject: str, reason: str, now: datetime
) -> int:
    """Revoke every token that speaks for a subject of a household."""
    return repository.revoke_grants(connection, household_id, reason, now, subject=subject)


def _nobody(_connection: Connection, agreed: Agreed, _now: datetime) -> str:
    raise UnknownThing("registrar of a scope for client", agreed.client_id)


def _server(connection: Connection, now: datetime) -> Server:
    return Server(Work(connection, now, _nobody))


def _sent(parameters: Mapping[str, str]) -> Sent | NotAsked:
    for name in ("response_type", "client_id", "redirect_uri"):
        value = parameters.get(name, "")
        if value and not policy.may_be_described(value):
            return NotAsked(None, "invalid_request", f"malformed '{name}'")
    return Sent(dict(parameters), method="GET")


def _not_asked(error: Any, parameters: Mapping[str, str]) -> NotAsked:
    error.state = parameters.get("state")
    status, _body, headers = error(None)
    location = dict(headers)["Location"] if status == 302 else None
    return NotAsked(location, str(error.error), str(error.get_error_description()))


def _owner(database: Database, secret: str) -> str | None:
    """Name the household of a code or token, so that its units of work follow each other."""
    if not secret or len(secret) > TOKEN_CHARS_MAX:
        return None
    with database.read() as connection:
        code = repository.code(connection, hashed(secret))
        found = code or repository.token(connection, hashed(secret))
    return None if found is None else found.household_id


def _refused(error: str, description: str) -> Answer:
    return Answer(400, {"error": error, "error_description": description}, dict(_NO_STORE))


_NO_STORE: Final = {"Cache-Control": "no-store", "Pragma": "no-cache"}


def _describable(text: str) -> str:
    return "".join(each if " " <= each <= "~" and each not in '"\\' else "'" for each in text)
