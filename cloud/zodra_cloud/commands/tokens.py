"""`zodra-cloud token`: access tokens for a household's own software."""

from pathlib import Path
from typing import Any

import click

from zodra_cloud.api import service as api
from zodra_cloud.api.service import Scope, Token
from zodra_cloud.commands.common import CONFIG, HOUSEHOLD, JSON, say, says_faults, unit_of_work


@click.group()
def token() -> None:
    """Access tokens for a household's own software; see docs/api.md."""


@token.command("make")
@CONFIG
@HOUSEHOLD
@click.option("--name", required=True, help="What the household calls it.")
@click.option("--act", is_flag=True, help="It may also answer, confirm, cancel and change.")
@click.option(
    "--days",
    type=click.IntRange(1, api.TOKEN_DAYS_MAX),
    default=api.TOKEN_DAYS,
    show_default=True,
    help="How long it lives.",
)
@JSON
@says_faults
def token_make(
    config: Path, household: str, name: str, act: bool, days: int, as_json: bool
) -> None:
    """Make a token and print its secret, this once; only a hash of it is stored."""
    scopes = {Scope.READ, Scope.ACT} if act else {Scope.READ}
    with unit_of_work(config, household) as session:
        secret, made = api.make_token(
            session.connection, household, name=name, scopes=scopes, days=days, now=session.now
        )
    say(
        as_json,
        {**_json(made), "secret": secret},
        f"Token {made.token_id} ({made.name}) made, until {made.expires_at:%Y-%m-%d}."
        f" Its secret, shown this once: {secret}",
    )


@token.command("list")
@CONFIG
@HOUSEHOLD
@JSON
@says_faults
def token_list(config: Path, household: str, as_json: bool) -> None:
    """Show the tokens of a household, newest first, those that ended included."""
    with unit_of_work(config, household) as session:
        found = api.tokens(session.connection, household)
    say(as_json, {"tokens": [_json(each) for each in found]}, *(_said(each) for each in found))


@token.command("revoke")
@click.argument("token_id")
@CONFIG
@HOUSEHOLD
@JSON
@says_faults
def token_revoke(config: Path, token_id: str, household: str, as_json: bool) -> None:
    """End a token at once; its streams end within seconds."""
    with unit_of_work(config, household) as session:
        api.revoke_token(session.connection, household, token_id, now=session.now)
    say(as_json, {"token_id": token_id}, f"Token {token_id} is revoked.")


def _json(made: Token) -> dict[str, Any]:
    return {
        "token_id": made.token_id,
        "name": made.name,
        "scopes": sorted(made.scopes),
        "created_at": made.created_at.isoformat(),
        "expires_at": made.expires_at.isoformat(),
        "revoked_at": None if made.revoked_at is None else made.revoked_at.isoformat(),
        "last_used_at": None if made.last_used_at is None else made.last_used_at.isoformat(),
    }


def _said(made: Token) -> str:
    ended = "revoked" if made.revoked_at is not None else f"until {made.expires_at:%Y-%m-%d}"
    return f"{made.token_id}  {' '.join(sorted(made.scopes))}  {ended}  {made.name}"
