"""All SQL of the OAuth room. Codes and tokens are found by their hash and by nothing else."""

from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import (
    Column,
    Connection,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    Table,
    Text,
    delete,
    insert,
    select,
    update,
)

from zodra_cloud.oauth.models import Client, Code, Token, TokenKind
from zodra_cloud.store.engine import metadata
from zodra_cloud.store.inserting import insert_new
from zodra_cloud.store.types import Flag, Instant, Json

KEEP_EXPIRED: Final = timedelta(days=1)
"""So that a code that is replayed late still revokes what came of it."""

clients: Final = Table(
    "oauth_clients",
    metadata,
    Column("client_id", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("secret_hash", Text, nullable=False),
    Column("secret_required", Flag, nullable=False),
    Column("redirect_uris", Json, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("revoked_at", Instant, nullable=True),
    sqlite_strict=True,
)

codes: Final = Table(
    "oauth_codes",
    metadata,
    Column("code_hash", Text, primary_key=True),
    Column("client_id", Text, ForeignKey("oauth_clients.client_id"), nullable=False),
    Column("household_id", Text, ForeignKey("households.household_id"), nullable=False),
    Column("person_id", Text, nullable=False),
    Column("redirect_uri", Text, nullable=False),
    Column("scope", Text, nullable=False),
    Column("details", Json, nullable=False),
    Column("code_challenge", Text, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("expires_at", Instant, nullable=False),
    Column("used_at", Instant, nullable=True),
    Column("grant_id", Text, nullable=True),
    Index("ix_oauth_codes_expires_at", "expires_at"),
    sqlite_strict=True,
)

grants: Final = Table(
    "oauth_grants",
    metadata,
    Column("household_id", Text, ForeignKey("households.household_id"), primary_key=True),
    Column("grant_id", Text, primary_key=True),
    Column("client_id", Text, ForeignKey("oauth_clients.client_id"), nullable=False),
    Column("scope", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("revoked_at", Instant, nullable=True),
    Column("revoked_for", Text, nullable=True),
    sqlite_strict=True,
)

tokens: Final = Table(
    "oauth_tokens",
    metadata,
    Column("token_hash", Text, primary_key=True),
    Column("household_id", Text, nullable=False),
    Column("grant_id", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("generation", Integer, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("expires_at", Instant, nullable=False),
    Column("used_at", Instant, nullable=True),
    Column("replaced_at", Instant, nullable=True),
    ForeignKeyConstraint(
        ["household_id", "grant_id"], ["oauth_grants.household_id", "oauth_grants.grant_id"]
    ),
    Index("ix_oauth_tokens_household_id_grant_id", "household_id", "grant_id"),
    Index("ix_oauth_tokens_expires_at", "expires_at"),
    sqlite_strict=True,
)


def add_client(connection: Connection, client: Client) -> bool:
    """Store a new client; False if its id is taken."""
    return insert_new(
        connection,
        clients,
        {
            "client_id": client.client_id,
            "name": client.name,
            "secret_hash": client.secret_hash,
            "secret_required": client.secret_required,
            "redirect_uris": list(client.redirect_uris),
            "created_at": client.created_at,
        },
    )


def client(connection: Connection, client_id: str) -> Client | None:
    """Read a client, also one that was revoked."""
    row = connection.execute(select(*clients.c).where(clients.c.client_id == client_id)).first()
    return None if row is None else _client(row)


def all_clients(connection: Connection, limit: int) -> list[Client]:
    """Read every client by id; an operator's read."""
    rows = connection.execute(select(*clients.c).order_by(clients.c.client_id).limit(limit))
    return [_client(row) for row in rows]


def set_secret(connection: Connection, client_id: str, secret_hash: str) -> bool:
    """Replace a client's secret; False if there is no such client."""
    changed = connection.execute(
        update(clients).where(clients.c.client_id == client_id).values(secret_hash=secret_hash)
    )
    return changed.rowcount == 1


def revoke_client(connection: Connection, client_id: str, now: datetime) -> bool:
    """Shut a client out; False if there is no such client or it is out already."""
    changed = connection.execute(
        update(clients)
        .where(clients.c.client_id == client_id, clients.c.revoked_at.is_(None))
        .values(revoked_at=now)
    )
    return changed.rowcount == 1


def add_code(connection: Connection, code: Code) -> None:
    """Store a code, and forget those that nobody can replay usefully any more."""
    connection.execute(delete(codes).where(codes.c.expires_at < code.created_at - KEEP_EXPIRED))
    connection.execute(
        insert(codes).values(**{each.name: getattr(code, each.name) for each in codes.c})
    )


def code(connection: Connection, code_hash: str, *, lock: bool = False) -> Code | None:
    """Read a code; with `lock`, of two that exchange it at once the second waits."""
    query = select(*codes.c).where(codes.c.code_hash == code_hash)
    row = connection.execute(query.with_for_update() if lock else query).first()
    return None if row is None else Code(**row._mapping)


def use_code(connection: Connection, code_hash: str, grant_id: str, now: datetime) -> None:
    """Use a code up."""
    connection.execute(
        update(codes).where(codes.c.code_hash == code_hash).values(used_at=now, grant_id=grant_id)
    )


def add_grant(
    connection: Connection,
    *,
    household_id: str,
    grant_id: str,
    client_id: str,
    scope: str,
    subject: str,
    now: datetime,
) -> None:
    """Store a new family of tokens."""
    connection.execute(
        insert(grants).values(
            household_id=household_id,
            grant_id=grant_id,
            client_id=client_id,
            scope=scope,
            subject=subject,
            created_at=now,
        )
    )


def revoke_grants(
    connection: Connection,
    household_id: str,
    reason: str,
    now: datetime,
    *,
    grant_id: str | None = None,
    subject: str | None = None,
    but: str = "",
) -> int:
    """Revoke one grant or all of a subject, but for one; give how many were live."""
    wanted = [
        grants.c.household_id == household_id,
        grants.c.grant_id != but,
        grants.c.revoked_at.is_(None),
    ]
    if grant_id is not None:
        wanted.append(grants.c.grant_id == grant_id)
    if subject is not None:
        wanted.append(grants.c.subject == subject)
    done = connection.execute(
        update(grants).where(*wanted).values(revoked_at=now, revoked_for=reason)
    )
    return done.rowcount


def add_token(
    connection: Connection,
    *,
    token_hash: str,
    household_id: str,
    grant_id: str,
    kind: TokenKind,
    generation: int,
    now: datetime,
    expires_at: datetime,
) -> None:
    """Store a token by its hash."""
    connection.execute(
        insert(tokens).values(
            token_hash=token_hash,
            household_id=household_id,
            grant_id=grant_id,
            kind=kind,
            generation=generation,
            created_at=now,
            expires_at=expires_at,
        )
    )


def token(connection: Connection, token_hash: str, *, lock: bool = False) -> Token | None:
    """Read a token with its grant; with `lock`, of two that use it at once the second waits."""
    query = (
        select(*tokens.c, grants.c.client_id, grants.c.scope, grants.c.subject, grants.c.revoked_at)
        .join_from(
            tokens,
            grants,
            (tokens.c.household_id == grants.c.household_id)
            & (tokens.c.grant_id == grants.c.grant_id),
        )
        .where(tokens.c.token_hash == token_hash)
    )
    row = connection.execute(query.with_for_update() if lock else query).first()
    if row is None:
        return None
    return Token(**{**row._mapping, "kind": TokenKind(row.kind)})


def latest_generation(connection: Connection, household_id: str, grant_id: str) -> int:
    """Give the newest generation of a grant."""
    newest: int | None = connection.execute(
        select(tokens.c.generation)
        .where(tokens.c.household_id == household_id, tokens.c.grant_id == grant_id)
        .order_by(tokens.c.generation.desc())
        .limit(1)
    ).scalar()
    return newest or 0


def used_after(connection: Connection, household_id: str, grant_id: str, generation: int) -> bool:
    """Tell whether a refresh token of a later generation was exchanged."""
    found = connection.execute(
        select(tokens.c.token_hash).where(
            tokens.c.household_id == household_id,
            tokens.c.grant_id == grant_id,
            tokens.c.generation > generation,
            tokens.c.used_at.is_not(None),
        )
    )
    return found.first() is not None


def use_token(connection: Connection, token_hash: str, now: datetime) -> None:
    """Note that a refresh token was exchanged; the first time counts."""
    connection.execute(
        update(tokens)
        .where(tokens.c.token_hash == token_hash, tokens.c.used_at.is_(None))
        .values(used_at=now)
    )


def replace_after(
    connection: Connection, household_id: str, grant_id: str, generation: int, now: datetime
) -> None:
    """Void what came of an exchange that is repeated, access tokens too."""
    connection.execute(
        update(tokens)
        .where(
            tokens.c.household_id == household_id,
            tokens.c.grant_id == grant_id,
            tokens.c.generation > generation,
            tokens.c.replaced_at.is_(None),
        )
        .values(replaced_at=now)
    )


def forget_expired(connection: Connection, now: datetime) -> None:
    """Delete tokens that expired some time ago."""
    connection.execute(delete(tokens).where(tokens.c.expires_at < now - KEEP_EXPIRED))


def _client(row: Any) -> Client:
    return Client(**{**row._mapping, "redirect_uris": tuple(row.redirect_uris)})
