"""Erasing a household that asks for it (regulation 2016/679, article 17), as far as the law lets.

Two steps, since others rely on a household as well. First its doors close: nothing more of it is
taken in, decided or learned from, and whoever was allowed something outside is told that it ended.
Then, once nothing is under way any more, every row goes but for what the law asks to keep, and
that stands under a pseudonym. Which rows those are, each table says (`store/erasing.py`).
"""

import secrets
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import structlog

from zodra_cloud.api import service as api
from zodra_cloud.channels import service as channels
from zodra_cloud.consent import service as consent
from zodra_cloud.consent.service import Method
from zodra_cloud.dash import service as dash
from zodra_cloud.fleet import service as fleet
from zodra_cloud.households import service as households
from zodra_cloud.ingest import service as ingest
from zodra_cloud.kit.changes import Changes
from zodra_cloud.law import service as law
from zodra_cloud.merchants import service as merchants
from zodra_cloud.oauth import service as oauth
from zodra_cloud.offers import service as offers
from zodra_cloud.payments import service as payments
from zodra_cloud.replenish import service as replenish
from zodra_cloud.store import erasing
from zodra_cloud.store.engine import Database
from zodra_cloud.subscriptions import service as subscriptions

ROOMS: Final = (
    api, channels, consent, dash, fleet, households, ingest, law, merchants, oauth, offers,
    payments, replenish, subscriptions,
)  # fmt: skip
"""Whoever erases knows the tables of all of them; one that is missing stops the erasure."""

REASON: Final = "erasure"

_log = structlog.get_logger("zodra_cloud.erasing")


@dataclass(frozen=True, slots=True)
class Erased:
    """What is left of a household."""

    pseudonym: str
    """Empty if nothing of it had to be kept."""
    deleted: dict[str, int]
    """By table."""
    kept: dict[str, int]
    """By table, under the pseudonym."""
    payer_id: str | None = None
    """What the payment provider calls it, and has to erase too."""


def close(database: Database, household_id: str, now: datetime) -> None:
    """Take nothing more from a household and for it; doing it twice changes nothing.

    Raises:
        UnknownThing: there is no such household.
    """
    changes = Changes()
    with database.write(household_id) as connection:
        households.household(connection, household_id)
        for purpose, row in consent.current(connection, household_id).items():
            if row is not None and row.granted:
                consent.withdraw(
                    connection,
                    household_id,
                    purpose,
                    person_id=row.person_id,
                    language=row.language,
                    method=Method.ERASURE,
                    now=now,
                    changes=changes,
                )
        replenish.forget(connection, household_id, now=now, changes=changes)
        for gateway in fleet.of_household(connection, household_id, now=now):
            if gateway.gateway.facts.revoked_at is None:
                fleet.revoke(connection, gateway.gateway.gateway_id, now=now)
        for token in api.tokens(connection, household_id):
            if token.revoked_at is None and token.expires_at > now:
                api.revoke_token(connection, household_id, token.token_id, now=now)
        for found in dash.views(connection, household_id):
            dash.disconnect(
                connection, household_id, found.device.device_id, reason=REASON, now=now
            )
        payments.revoke_mandate(connection, household_id, now=now, changes=changes)
    _log.info("household_closed", household_id=household_id)


def in_the_way(database: Database, household_id: str, now: datetime) -> list[tuple[str, int]]:
    """Say what is still under way, so that nothing can be erased yet."""
    with database.read() as connection:
        return erasing.in_the_way(connection, household_id, now)


def erase(database: Database, household_id: str, now: datetime) -> Erased | None:
    """Erase a household whose doors are closed.

    Returns:
        What was deleted and what is kept; None if something is under way again.
    """
    while True:
        with database.write(household_id) as connection:
            if erasing.in_the_way(connection, household_id, now):
                return None
            if not erasing.erase_unnamed(connection, household_id):
                break
    pseudonym = f"erased-{secrets.token_hex(8)}"
    with database.write(household_id) as connection:
        if erasing.in_the_way(connection, household_id, now):
            return None
        payer_id = payments.payer(connection, household_id)
        households.add_pseudonym(connection, household_id, pseudonym, now=now)
        counts = erasing.erase(connection, household_id, pseudonym)
        if not any(kept for _, kept in counts.values()):
            erasing.erase(connection, pseudonym, pseudonym)
            pseudonym = ""
    _log.info("household_erased", pseudonym=pseudonym)
    return Erased(
        pseudonym,
        {name: gone for name, (gone, _) in sorted(counts.items()) if gone},
        {name: kept for name, (_, kept) in sorted(counts.items()) if kept},
        payer_id,
    )
