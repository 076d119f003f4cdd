"""From stored needs to decisions, and to what follows from each at once.

Many needs of many households are decided in one unit of work: what they rest on is read in a few
statements and what follows is written in a few, which is what makes thousands a second. One need
is a batch of one.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from sqlalchemy import Connection

from zodra_cloud.consent import service as consent
from zodra_cloud.consent.service import Purpose
from zodra_cloud.errors import UnknownThing
from zodra_cloud.households import service as households
from zodra_cloud.households.models import MayPress, Slot
from zodra_cloud.ingest import service as needs
from zodra_cloud.ingest.models import StoredSignal
from zodra_cloud.kit.money import Money
from zodra_cloud.kit.quiet import day_start, quiet_until
from zodra_cloud.replenish import hooks, moves, policy, repository
from zodra_cloud.replenish.models import At, StoredDecision, StoredQuote
from zodra_cloud.replenish.moves import Wanted
from zodra_cloud.replenish.policy import Binding, Cover, Decision, Need, Reason, Standing, Verdict
from zodra_cloud.replenish.repository import Place
from zodra_contract.outcome import SignalState
from zodra_contract.signal import BUYING_PAUSED, SignalKind

Unbound = Callable[[Connection, StoredSignal, datetime], bool]
"""Takes over a need whose slot is bound to nothing; False if it does not want it."""

Key = tuple[str, str]
"""Household and signal."""

STALENESS_LIMIT_S: Final = 86_400
"""Of a need that a contract covers and whose place is no slot of ours."""

_ENDS_AS: Final = {
    (Verdict.REFUSE, False): SignalState.REFUSED,
    (Verdict.HOLD, False): SignalState.ALREADY_ON_ITS_WAY,
    (Verdict.HOLD, True): SignalState.ASKED,
}
"""Where a need stands at once, by verdict and whether it holds on to an open quote."""


@dataclass(slots=True)
class _Around:
    """What the needs of one unit of work are decided against."""

    slots: dict[Place, Slot]
    grants: dict[str, int]
    open_orders: dict[Place, str]
    waiting: dict[Place, tuple[str, str]]
    """Quote and signal; grows while needs of one batch open quotes."""


@dataclass(frozen=True, slots=True)
class _Decided:
    signal: StoredSignal
    slot: Slot | None
    binding: Binding | None
    cover: Cover | None
    decision: Decision
    stored: StoredDecision


def decide_many(
    connection: Connection, keys: Sequence[Key], unbound: Unbound, at: At
) -> dict[Key, datetime]:
    """Decide needs once each, and start what follows from them; a repeat changes nothing.

    Args:
        connection: of a unit of work that has the lock of every household.
        keys: the needs, in the order in which they count.
        unbound: takes over needs whose slot is bound to nothing.
        at: the instant, and whom to tell.

    Returns:
        When those come back that are held until their quiet hours end.

    Raises:
        UnknownThing: there is no such need.
    """
    before = repository.decisions_for(connection, keys)
    todo = [key for key in dict.fromkeys(keys) if key not in before or _is_held(before[key])]
    signals = needs.signals(connection, todo)
    missing = [key for key in todo if key not in signals]
    if missing:
        raise UnknownThing("need-moment", missing[0][1])
    around = _look_around(connection, list(signals.values()))
    decided: list[_Decided] = []
    for key in todo:
        one = _decide_one(connection, signals[key], around, unbound, at)
        if one is None:
            continue
        decided.append(one)
        if one.decision.wants_quote and one.stored.quote_id is not None:
            around.waiting[_place(one.signal)] = (one.stored.quote_id, one.signal.signal_id)
    for one in decided:
        held = before.get((one.signal.household_id, one.signal.signal_id))
        if held is not None:
            repository.supersede_decision(connection, held)
    repository.add_decisions(connection, [one.stored for one in decided])
    _follow_from(connection, decided, at)
    return {
        (one.signal.household_id, one.signal.signal_id): one.decision.again_at
        for one in decided
        if one.decision.again_at is not None
    }


def _is_held(decision: StoredDecision) -> bool:
    return decision.reason is Reason.QUIET_HOURS


def _place(signal: StoredSignal) -> Place:
    return signal.household_id, signal.device_id, signal.slot_key


def _look_around(connection: Connection, signals: Sequence[StoredSignal]) -> _Around:
    places = list({_place(signal): None for signal in signals})
    ids = {signal.household_id for signal in signals}
    return _Around(
        slots=households.slots_at(connection, places),
        grants=consent.live_grants(connection, ids, Purpose.REPLENISH),
        open_orders=repository.open_order_keys(connection, places),
        waiting=repository.waiting_quote_ids(connection, places),
    )


def _decide_one(
    connection: Connection, signal: StoredSignal, around: _Around, unbound: Unbound, at: At
) -> _Decided | None:
    place = _place(signal)
    slot = around.slots.get(place)
    cover = _cover(connection, signal, slot, at)
    binding = _binding(slot, cover)
    if binding is None and unbound(connection, signal, at.now):
        return None
    standing = _standing(connection, slot, around, place, cover, at.now)
    decision = policy.decide(_need(signal, slot), binding, standing, at.now)
    stored = _stored(signal, decision, around.waiting.get(place), at)
    return _Decided(signal, slot, binding, cover, decision, stored)


def _stored(
    signal: StoredSignal, decision: Decision, waiting: tuple[str, str] | None, at: At
) -> StoredDecision:
    holds = waiting if decision.reason is Reason.ALREADY_ASKED else None
    quote_id = None if holds is None else holds[0]
    if decision.wants_quote:
        quote_id = moves.quote_id(signal.household_id, signal.signal_id, 1)
    consent_id = decision.facts["consent_id"]
    return StoredDecision(
        household_id=signal.household_id,
        signal_id=signal.signal_id,
        verdict=decision.verdict,
        reason=decision.reason,
        facts=decision.facts,
        policy_version=decision.policy_version,
        consent_id=consent_id if isinstance(consent_id, int) else None,
        quote_id=quote_id,
        follows=None if holds is None else holds[1],
        decided_at=at.now,
    )


def _follow_from(connection: Connection, decided: Sequence[_Decided], at: At) -> None:
    quotes: list[StoredQuote] = []
    for one in decided:
        if not one.decision.wants_quote or one.binding is None:
            _move_need(connection, one, at)
            continue
        wanted = _wanted(one, one.binding)
        question = one.decision.asks_before_quoting
        quotes.append(moves.new_quote(wanted, question=question, number=1, at=at))
    moves.add_quotes(connection, quotes, at)


def _move_need(connection: Connection, one: _Decided, at: At) -> None:
    reason = one.decision.reason
    if reason is Reason.QUIET_HOURS:
        state = SignalState.RECEIVED
    else:
        state = _ENDS_AS[one.decision.verdict, reason is Reason.ALREADY_ASKED]
    signal = one.signal
    moves.move_need(connection, signal.household_id, signal.signal_id, state, reason.value, at)


def _wanted(one: _Decided, binding: Binding) -> Wanted:
    ceiling = binding.price_ceiling
    currency = "EUR" if one.slot is None else one.slot.currency
    covered = one.decision.verdict is Verdict.REPLENISH
    return Wanted(
        household_id=one.signal.household_id,
        signal_id=one.signal.signal_id,
        device_id=one.signal.device_id,
        slot_key=one.signal.slot_key,
        purpose=Purpose.REPLENISH.value,
        sku=binding.sku,
        quantity=binding.quantity,
        currency=currency if ceiling is None else ceiling.currency,
        price_ceiling_minor=None if ceiling is None else ceiling.amount_minor,
        reason=one.decision.reason.value,
        agreement_id=one.cover.cover_id if covered and one.cover is not None else None,
    )


def _cover(connection: Connection, signal: StoredSignal, slot: Slot | None, at: At) -> Cover | None:
    if signal.kind is not SignalKind.SCHEDULED and (slot is None or not slot.call_off):
        return None
    return hooks.find_cover(connection, signal, slot, at)


def _binding(slot: Slot | None, cover: Cover | None) -> Binding | None:
    if cover is not None:
        return Binding(
            sku=cover.sku,
            quantity=cover.quantity,
            price_ceiling=cover.price_ceiling,
            staleness_limit_s=STALENESS_LIMIT_S if slot is None else slot.staleness_limit_s,
            cooldown_s=0 if slot is None else slot.cooldown_s,
            spend_cap=None if slot is None else spend_cap(slot),
        )
    if slot is None or slot.sku is None:
        return None
    ceiling = slot.price_ceiling_minor
    return Binding(
        sku=slot.sku,
        quantity=slot.quantity,
        price_ceiling=None if ceiling is None else Money(ceiling, slot.currency),
        staleness_limit_s=slot.staleness_limit_s,
        cooldown_s=slot.cooldown_s,
        spend_cap=spend_cap(slot),
    )


def spend_cap(slot: Slot) -> Money | None:
    """Give what the slot may cost in one day; None if there is no cap."""
    return None if slot.spend_cap_minor is None else Money(slot.spend_cap_minor, slot.currency)


def spent_today(connection: Connection, slot: Slot, now: datetime) -> Money | None:
    """Give what the slot's orders cost since the household's day began."""
    zone = households.zone(connection, slot.household_id)
    place = (slot.household_id, slot.device_id, slot.slot_key)
    return repository.spent(connection, place, day_start(now, zone), slot.currency)


def _standing(
    connection: Connection,
    slot: Slot | None,
    around: _Around,
    place: Place,
    cover: Cover | None,
    now: datetime,
) -> Standing:
    waiting = around.waiting.get(place)
    standing = Standing(
        consent_id=around.grants.get(place[0]),
        open_order_key=around.open_orders.get(place),
        open_quote_id=None if waiting is None else waiting[0],
        cover_id=None if cover is None or not cover.within_frequency else cover.cover_id,
    )
    if slot is None or not _is_limited(slot):
        return standing
    zone = households.zone(connection, slot.household_id)
    day = day_start(now, zone)
    return replace(
        standing,
        last_order_at=repository.last_order_at(connection, place),
        spent=repository.spent(connection, place, day, slot.currency),
        quiet_until=None
        if slot.quiet_from is None or slot.quiet_to is None
        else quiet_until(slot.quiet_from, slot.quiet_to, now, zone),
    )


def _is_limited(slot: Slot) -> bool:
    limits = (slot.cooldown_s, slot.spend_cap_minor is not None, slot.quiet_from)
    return any(limits)


def _need(signal: StoredSignal, slot: Slot | None) -> Need:
    foreseen = signal.kind is SignalKind.RUNNING_OUT
    return Need(
        kind=signal.kind,
        occurred_at=signal.occurred_at,
        error_ms=signal.error_ms,
        authenticated=signal.authenticated,
        paused=BUYING_PAUSED in signal.evidence,
        counts=_press_counts(signal, slot),
        forecast=dict(signal.evidence) if foreseen else {},
    )


def _press_counts(signal: StoredSignal, slot: Slot | None) -> bool:
    if slot is None or signal.kind is not SignalKind.PRESS:
        return True
    return slot.may_press is MayPress.ANYONE or signal.device_id in slot.press_devices
