"""Another price rule: the terms as they would be, shown, and a labelled yes to them."""

from dataclasses import replace

from sqlalchemy import Connection

from zodra_cloud.subscriptions import moves
from zodra_cloud.subscriptions.joining import PRICE_MAX, said_yes
from zodra_cloud.subscriptions.models import Done, Said
from zodra_cloud.subscriptions.moves import Loaded
from zodra_cloud.subscriptions.policy.commands import Decided
from zodra_cloud.subscriptions.policy.ledger.events import PriceAccepted
from zodra_cloud.subscriptions.policy.ledger.state import State
from zodra_cloud.subscriptions.policy.ledger.states import LIVE
from zodra_cloud.subscriptions.policy.refusals import Refused, Why
from zodra_cloud.subscriptions.policy.terms import Terms


def price_terms(
    connection: Connection, household_id: str, subscription_id: str, ceiling_minor: int
) -> Terms | Refused:
    """Give the terms with another price rule, to be shown beside a labelled control.

    Agreed is then what the shop asked last; the ceiling is what the household wants it to be.
    """
    loaded = moves.load(connection, household_id, subscription_id)
    if loaded is None:
        return Refused(Why.UNKNOWN_SUBSCRIPTION)
    return _repriced(loaded.state, ceiling_minor)


def accept_price(
    connection: Connection,
    household_id: str,
    subscription_id: str,
    *,
    ceiling_minor: int,
    terms_hash: str,
    label: str,
    language: str,
    said: Said,
) -> Done | Refused:
    """Take a labelled yes to another price rule; its hash is that of `price_terms`, as shown."""

    def decide(at: Loaded) -> Decided:
        terms = _repriced(at.state, ceiling_minor)
        if isinstance(terms, Refused):
            return terms
        if terms.sha256() != terms_hash:
            return Refused(Why.CHANGED, "terms_hash")
        if not said_yes(said.channel, language, label):
            return Refused(Why.WRONG_LABEL, "label")
        if said.person_id is None:
            return Refused(Why.NOT_POSSIBLE, "person_id", "a person of the household")
        return [PriceAccepted(terms.price, label, language, terms_hash)]

    asked = ("accept_price", [ceiling_minor, terms_hash])
    return moves.once(connection, household_id, subscription_id, said, asked, decide)


def _repriced(state: State, ceiling_minor: int) -> Terms | Refused:
    price = state.price
    if price is None or state.status not in LIVE:
        return Refused(Why.NOT_POSSIBLE, rule=state.status.value)
    if not 0 < ceiling_minor <= PRICE_MAX:
        return Refused(Why.BAD_PRICE, "ceiling_minor", f"from 1 to {PRICE_MAX}")
    agreed = price.agreed_minor if state.announced_minor is None else state.announced_minor
    renewed = replace(price, agreed_minor=agreed, ceiling_minor=ceiling_minor)
    return state.agreed.with_price(state.item_of(state.next_cycle), renewed)
