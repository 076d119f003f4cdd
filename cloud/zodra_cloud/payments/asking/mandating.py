"""A mandate: from the link to the household's yes on the provider's page, and its end."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlalchemy import Connection

from zodra_cloud.payments import moves, policy, repository
from zodra_cloud.payments.models import Rules, StoredMandate
from zodra_cloud.payments.port import (
    Link,
    LinkState,
    MandateStatus,
    Page,
    PaymentFault,
    PaymentRefusal,
    Provider,
    Refused,
    Unknown,
)
from zodra_cloud.payments.states import MandateEvent, MandateState
from zodra_cloud.replenish.models import At
from zodra_cloud.store.types import to_ms
from zodra_contract.ids import derived_id

_GONE = Refused(PaymentRefusal.NOT_FOUND)


@dataclass(frozen=True, slots=True)
class Work:
    """A mandate at work, and under which name the provider knows its household."""

    mandate: StoredMandate
    payer_id: str | None


Answer = Link | MandateStatus | Refused | Unknown


def begin(connection: Connection, household_id: str, mandate_id: str) -> Work | None:
    """Read what has to be asked about a mandate; None if there is nothing."""
    mandate = repository.mandate(connection, household_id, mandate_id)
    busy = (MandateState.REQUESTED, MandateState.OPEN, MandateState.REVOKING)
    if mandate is None or mandate.state not in busy:
        return None
    return Work(mandate, repository.payer(connection, household_id))


def ask(
    provider: Provider,
    work: Work,
    rules: Rules,
    remember: Callable[[str], str],
    now: datetime,
) -> Answer:
    """Ask the provider what a mandate needs next.

    Args:
        provider: whom.
        work: what.
        rules: about links.
        remember: stores under which name the household is known, and gives the name that counts.
        now: the instant.
    """
    mandate, payer_id = work.mandate, work.payer_id
    if payer_id is None:
        made = provider.payer(moves.payer_key(mandate.household_id))
        if not isinstance(made, str):
            return made
        payer_id = remember(made)
    if mandate.state is MandateState.REQUESTED:
        expires_at = now + rules.link_lifetime
        # Another instant is another page; one that nobody was shown lets nobody pay.
        key = derived_id("ml", mandate.household_id, mandate.mandate_id, to_ms(expires_at))
        page = Page(rules.return_url, expires_at, mandate.language)
        return provider.mandate_link(payer_id, key, page)
    if mandate.state is MandateState.REVOKING:
        return _revoke(provider, mandate, payer_id)
    over = mandate.link_expires_at is None or now >= mandate.link_expires_at
    verb = provider.close_link if over else provider.link
    return verb(mandate.link_id or "", None)


def _revoke(provider: Provider, mandate: StoredMandate, payer_id: str) -> Answer:
    method_id = mandate.method_id
    if method_id is None and mandate.link_id is not None:
        link = provider.close_link(mandate.link_id, None)
        if not isinstance(link, Link):
            return link
        if link.state is LinkState.OPEN:
            # While it is open, the household can still grant it.
            return Unknown(PaymentFault.REFUSED)
        # It may have been granted in the very last moment.
        method_id = link.method_id
    if method_id is None:
        return MandateStatus.GONE
    return provider.revoke(payer_id, method_id)


def hear(
    connection: Connection, asked: StoredMandate, answer: Answer, times: int, rules: Rules, at: At
) -> datetime | None:
    """Take in what the provider said; give when to ask again, None if nothing is left to ask."""
    mandate = repository.mandate(connection, asked.household_id, asked.mandate_id)
    if mandate is None or mandate.state is not asked.state:
        return at.now
    if isinstance(answer, Link):
        return _hear_link(connection, mandate, answer, rules, at)
    if answer is MandateStatus.GONE or answer == _GONE:
        moves.move_mandate(connection, mandate, MandateEvent.REVOKED, at, link_url=None)
        return None
    fault = "refused"
    if isinstance(answer, Unknown):
        fault = answer.fault.value
    elif isinstance(answer, Refused):
        fault = answer.reason.value
    since = mandate.unclear_since or at.now
    repository.save_mandate(connection, replace(mandate, unclear_since=since, reason=fault))
    return at.now + timedelta(seconds=policy.wait_s(times))


def _hear_link(
    connection: Connection, mandate: StoredMandate, link: Link, rules: Rules, at: At
) -> datetime | None:
    if mandate.state is MandateState.REQUESTED:
        mandate = moves.move_mandate(
            connection,
            mandate,
            MandateEvent.LINKED,
            at,
            link_id=link.link_id,
            link_url=link.url,
            link_expires_at=at.now + rules.link_lifetime,
        )
    elif link.state is LinkState.COMPLETE:
        moves.move_mandate(
            connection,
            mandate,
            MandateEvent.GRANTED,
            at,
            method_id=link.method_id,
            link_url=None,
            reason="",
        )
        return None
    elif link.state is LinkState.EXPIRED:
        moves.move_mandate(connection, mandate, MandateEvent.EXPIRED, at, link_url=None)
        return None
    return policy.look_at_link_at(mandate.link_expires_at, at.now)
