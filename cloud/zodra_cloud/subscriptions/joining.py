"""How a household joins: a wish, the shop's price, the terms as shown, and the labelled yes."""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

from sqlalchemy import Connection

from zodra_cloud.consent import service as consent
from zodra_cloud.consent.service import Purpose
from zodra_cloud.errors import UnknownThing
from zodra_cloud.households import service as households
from zodra_cloud.law.labels import Control
from zodra_cloud.replenish import service as replenish
from zodra_cloud.replenish.models import At
from zodra_cloud.subscriptions import moves, repository
from zodra_cloud.subscriptions.models import Done, Rules, Said, room_of
from zodra_cloud.subscriptions.moves import By, Loaded, digest_of
from zodra_cloud.subscriptions.policy.commands import follow_fault
from zodra_cloud.subscriptions.policy.dates import (
    HORIZON,
    Cadence,
    add_months,
    cadence_fault,
    local_date,
)
from zodra_cloud.subscriptions.policy.ledger import codec
from zodra_cloud.subscriptions.policy.ledger.events import Joined, Requested, Wish
from zodra_cloud.subscriptions.policy.ledger.states import LIVE, Status
from zodra_cloud.subscriptions.policy.refusals import Refused, Why
from zodra_cloud.subscriptions.policy.terms import Channel, Follow, Item, carries, quantity_fault
from zodra_contract.ids import derived_id

PRICE_MAX: Final = 10_000_000
SKU_CHARS_MAX: Final = 200


@dataclass(frozen=True, slots=True)
class Wanted:
    """How a household would like to be delivered; what is None is taken from where it asks."""

    cadence: Cadence
    quantity: int | None = None
    first_on: date | None = None
    """None: as soon as the announcement allows."""
    ceiling_minor: int | None = None
    """The most that one delivery may cost without asking; None: what it costs on joining."""
    follow: Follow | None = None
    """Bounds within which the dates may follow the forecast; None: they stay."""


@dataclass(frozen=True, slots=True)
class Source:
    """Where it was asked for: what is delivered, and to which slot."""

    device_id: str
    slot_key: str
    sku: str
    quantity: int
    titles: dict[str, str]
    currency: str


def of_slot(
    connection: Connection, household_id: str, device_id: str, slot_key: str
) -> Source | Refused:
    """Take what a slot is bound to."""
    slot = households.slot(connection, household_id, device_id, slot_key)
    if slot is None:
        return Refused(Why.UNKNOWN_SLOT, "slot_key")
    if slot.sku is None:
        return Refused(Why.UNKNOWN_ITEM, "sku", "bind the slot to a product first")
    titles = {"": slot.title} if slot.title else {}
    return Source(device_id, slot_key, slot.sku, slot.quantity, titles, slot.currency)


def of_order(connection: Connection, household_id: str, order_key: str) -> Source | Refused:
    """Take what an order brought."""
    try:
        view = replenish.order(connection, household_id, order_key)
    except UnknownThing:
        return Refused(Why.UNKNOWN_ORDER, "order_key")
    return _shown(view.snapshot, view.order.device_id, view.order.slot_key)


def of_quote(connection: Connection, household_id: str, quote_id: str) -> Source | Refused:
    """Take what an open quote proposes."""
    for quote in replenish.open_quotes(connection, household_id):
        if quote.quote_id == quote_id and quote.snapshot is not None:
            return _shown(quote.snapshot, quote.device_id, quote.slot_key)
    return Refused(Why.UNKNOWN_ORDER, "quote_id")


def _shown(shown: replenish.Snapshot, device_id: str, slot_key: str) -> Source:
    titles = dict(shown.titles)
    return Source(device_id, slot_key, shown.sku, shown.quantity, titles, shown.currency)


def request(
    connection: Connection, household_id: str, source: Source, wanted: Wanted, said: Said
) -> Done | Refused:
    """Ask for the terms of a subscription; they are shown once the shop said what it costs."""
    subscription_id = derived_id("su", household_id, said.key)
    zone = households.zone(connection, household_id)
    today = local_date(said.now, zone)
    wish = Wish(
        device_id=source.device_id,
        slot_key=source.slot_key,
        item=Item(source.sku, wanted.quantity or source.quantity, source.titles),
        currency=source.currency,
        cadence=wanted.cadence,
        first_on=wanted.first_on,
        ceiling_minor=wanted.ceiling_minor,
        follow=wanted.follow,
        channel=said.channel,
    )
    requested = Requested(wish, today)
    digest = digest_of("request", codec.to_facts(requested)["wish"])
    before = repository.event_of_command(connection, household_id, subscription_id, said.key)
    if before is not None:
        loaded = moves.load(connection, household_id, subscription_id)
        if before.command_hash != digest or loaded is None:
            return Refused(Why.KEY_CONFLICT, "key")
        return Done(subscription_id, loaded.state.status, repeated=True, events=())
    refused = (
        _wish_fault(wish, wanted, today, room_of(connection).rules)
        or _no_consent(connection, household_id)
        or _taken(connection, household_id, source.device_id, source.slot_key)
    )
    if refused is not None:
        return refused
    by = By(said.person_id, said.channel, said.key, digest)
    at = At(said.now, said.changes)
    loaded = moves.begin(connection, household_id, subscription_id, requested, by, at)
    return Done(subscription_id, loaded.state.status, repeated=False, events=(requested,))


def _wish_fault(wish: Wish, wanted: Wanted, today: date, rules: Rules) -> Refused | None:
    quantity = quantity_fault(wish.item.quantity if wanted.quantity is None else wanted.quantity)
    if quantity is not None:
        return Refused(Why.BAD_QUANTITY, "quantity", quantity)
    if not 0 < len(wish.item.sku) <= SKU_CHARS_MAX:
        return Refused(Why.UNKNOWN_ITEM, "sku")
    cadence = cadence_fault(wish.cadence)
    if cadence is None and wish.cadence.days <= rules.pre_notice_days:
        cadence = f"longer than the {rules.pre_notice_days} days of the announcement"
    if cadence is not None:
        return Refused(Why.BAD_CADENCE, "cadence", cadence)
    bounds = None if wish.follow is None else follow_fault(wish.follow, wish.cadence)
    if bounds is not None:
        return Refused(Why.BAD_CADENCE, "follow", bounds)
    if wish.ceiling_minor is not None and not 0 < wish.ceiling_minor <= PRICE_MAX:
        return Refused(Why.BAD_PRICE, "ceiling_minor", f"from 1 to {PRICE_MAX}")
    return _first_fault(wish.first_on, today, rules)


def _first_fault(first_on: date | None, today: date, rules: Rules) -> Refused | None:
    if first_on is None:
        return None
    if first_on <= today:
        return Refused(Why.PAST_DATE, "first_on", "after today")
    days = rules.pre_notice_days
    if first_on < today + timedelta(days=days):
        return Refused(Why.TOO_SOON, "first_on", f"{days} days ahead, as it is announced")
    if first_on > today + HORIZON:
        return Refused(Why.TOO_FAR, "first_on", f"within {HORIZON.days} days")
    return None


def said_yes(channel: Channel, language: str, label: str) -> bool:
    """Tell whether the words on a control oblige to pay; a yes without a control is none."""
    labelled = channel in (Channel.PAGE, Channel.API, Channel.CHAT)
    return labelled and carries(Control.ORDER, channel, language, label)


def _no_consent(connection: Connection, household_id: str) -> Refused | None:
    if consent.live_grant(connection, household_id, Purpose.REPLENISH) is None:
        return Refused(Why.NO_CONSENT)
    return None


def _taken(
    connection: Connection, household_id: str, device_id: str, slot_key: str
) -> Refused | None:
    if repository.live_at(connection, household_id, device_id, slot_key) is not None:
        return Refused(Why.SLOT_TAKEN, "slot_key")
    return None


def join(
    connection: Connection,
    household_id: str,
    subscription_id: str,
    *,
    terms_hash: str,
    label: str,
    language: str,
    said: Said,
) -> Done | Refused:
    """Take the labelled yes to the terms as shown; the ledger keeps it as proof.

    A repeat of the same yes, also long after, joins nothing more.

    Args:
        connection: of a unit of work that names the household.
        household_id: of the session.
        subscription_id: from the form.
        terms_hash: from the form: what the person saw.
        label: the literal words on the control, in `language`.
        language: of the page.
        said: by whom and where; a person, never an operator alone.
    """
    loaded = moves.load(connection, household_id, subscription_id)
    if loaded is None:
        return Refused(Why.UNKNOWN_SUBSCRIPTION)
    state = loaded.state
    proof = state.proof
    if proof is not None and proof.terms_hash == terms_hash and state.status in LIVE:
        return Done(subscription_id, state.status, repeated=True, events=())
    refused = _against(connection, loaded, terms_hash, label, language, said)
    if refused is not None or said.person_id is None:
        return refused or Refused(Why.NOT_POSSIBLE, "person_id", "a person of the household")
    today = loaded.today(said.now)
    joined = Joined(
        person_id=said.person_id,
        channel=said.channel,
        label=label,
        language=language,
        terms_hash=terms_hash,
        joined_on=today,
        term_ends_on=add_months(today, state.agreed.term_months),
    )
    by = By(said.person_id, said.channel, said.key, digest_of("join", {"hash": terms_hash}))
    after = moves.append(connection, loaded, [joined], At(said.now, said.changes), by)
    return Done(subscription_id, after.state.status, repeated=False, events=(joined,))


def _against(
    connection: Connection,
    loaded: Loaded,
    terms_hash: str,
    label: str,
    language: str,
    said: Said,
) -> Refused | None:
    state, row = loaded.state, loaded.row
    expired = state.expires_at is not None and said.now >= state.expires_at
    if state.status is Status.LAPSED or expired:
        return Refused(Why.EXPIRED)
    if state.status is not Status.OFFERED:
        return Refused(Why.NOT_POSSIBLE, rule=state.status.value)
    if state.terms_hash != terms_hash:
        return Refused(Why.CHANGED, "terms_hash")
    if not said_yes(said.channel, language, label):
        return Refused(Why.WRONG_LABEL, "label")
    return _no_consent(connection, row.household_id) or _taken(
        connection, row.household_id, row.device_id, row.slot_key
    )
