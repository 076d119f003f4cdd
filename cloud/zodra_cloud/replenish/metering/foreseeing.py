"""From readings to a forecast, and from a forecast to the one need that it justifies."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import Connection

from zodra_cloud.consent import service as consent
from zodra_cloud.consent.service import Method, Purpose
from zodra_cloud.errors import BadRequest
from zodra_cloud.forecast import Forecast, History, LevelHistory
from zodra_cloud.households import service as households
from zodra_cloud.households.models import Metering, Slot
from zodra_cloud.households.policy import UNITS_MAX
from zodra_cloud.ingest import service as needs
from zodra_cloud.ingest.service import Metered
from zodra_cloud.kit.changes import Changes
from zodra_cloud.replenish import reading, repository
from zodra_cloud.replenish.metering import learned, stock
from zodra_cloud.replenish.metering.stock import Past, Point
from zodra_cloud.replenish.models import At
from zodra_cloud.replenish.repository import Place
from zodra_cloud.replenish.repository.metering import KEPT, KeptForecast
from zodra_cloud.replenish.states import Answer
from zodra_cloud.store import jobs
from zodra_contract.ids import derived_id
from zodra_contract.outcome import SignalState
from zodra_contract.reading import ReadingKind
from zodra_contract.signal import NeedSignal, SignalKind, TimeNote, TimeQuality

FORECAST_JOB: Final = "forecast"
EVERY: Final = timedelta(days=1)
AT_MOST_EVERY: Final = timedelta(hours=6)
"""However often new readings come."""
LOW_EVERY: Final = timedelta(minutes=1)
"""The same, of a level that reads at its threshold or below."""
SOURCE: Final = "cloud"
"""Where a gateway's id stands for other needs, and its boot."""

KINDS: Final = {
    Metering.LEVEL: ReadingKind.REMAINING_UNITS,
    Metering.USAGE: ReadingKind.USED_UNITS,
}
_NO_NEED: Final = frozenset({Answer.NOT_NEEDED, Answer.WRONG_PRODUCT})
"""Orders that say nothing about when the thing is needed again."""


@dataclass(frozen=True, slots=True)
class SlotForecast:
    """When a slot is needed again, for a page: probabilities and why. Never a promise of a day."""

    slot: Slot
    made_at: datetime
    forecast: Forecast
    remaining_units: float | None
    """By the last reading; None for a press slot."""
    readings: tuple[Point, ...]
    """What a small picture is drawn from: left by instant, or 1 for each order."""


def keep(connection: Connection, heard: Sequence[Metered], now: datetime) -> None:
    """Keep the readings of slots that count, in the ingest's own commit, and set their timers."""
    devices = {(each.household_id, each.device_id) for each in heard}
    slots = {
        (slot.household_id, slot.device_id, KINDS[slot.metering].value): slot
        for slot in households.metered_slots(connection, devices)
    }
    rows = [
        (_place(slot), each.kind, each.value, each.observed_at)
        for each in heard
        if (slot := slots.get((each.household_id, each.device_id, each.kind))) is not None
    ]
    repository.keep_readings(connection, rows)
    low = {
        _place(slot)
        for each in heard
        if (slot := slots.get((each.household_id, each.device_id, each.kind))) is not None
        and slot.metering is Metering.LEVEL
        and each.value <= (slot.reorder_units or 0.0)
    }
    for place in sorted({row[0] for row in rows}):
        set_timer(connection, place, now, at_once=place in low)


def set_timer(
    connection: Connection, place: Place, now: datetime, *, at_once: bool = False
) -> None:
    """Let a slot be looked at soon, but not sooner after the last time than `AT_MOST_EVERY`.

    A level at its threshold is looked at within `LOW_EVERY`.
    """
    kept = repository.kept_forecast(connection, place)
    wait = LOW_EVERY if at_once else AT_MOST_EVERY
    due_at = now if kept is None else max(now, kept.made_at + wait)
    jobs.rearm(
        connection,
        kind=FORECAST_JOB,
        key=f"{FORECAST_JOB}:{':'.join(place)}",
        household_id=place[0],
        payload={"device_id": place[1], "slot_key": place[2]},
        due_at=due_at,
    )


def count_remaining(connection: Connection, slot: Slot, units: float, *, now: datetime) -> None:
    """Take a person's count of what is left in a usage slot; it replaces what we thought.

    Raises:
        BadRequest: it is no amount that fits.
    """
    if not 0 <= units <= UNITS_MAX:
        raise BadRequest(f"units: {units:g} is not from 0 to {UNITS_MAX:g}")
    place = _place(slot)
    repository.add_count(connection, place, units, "household", now)
    set_timer(connection, place, now)


def forget(connection: Connection, household_id: str, *, now: datetime, changes: Changes) -> None:
    """Forget what slots said, what was counted and what was foreseen, for an erasure.

    What was learned with the help of its history is fitted again without it, at once.
    """
    repository.forget_metering(connection, household_id)
    granted = consent.live_grant(connection, household_id, Purpose.FORECASTS)
    if granted is not None:
        consent.withdraw(
            connection,
            household_id,
            Purpose.FORECASTS,
            person_id=granted.person_id,
            language=granted.language,
            method=Method.ERASURE,
            now=now,
            changes=changes,
        )


def forget_device(connection: Connection, household_id: str, device_id: str) -> None:
    """Forget what the slots of one device said and what was foreseen of them, when it leaves.

    The household's other devices keep theirs. What was learned from many homes is fitted again
    without it when its turn comes.
    """
    repository.forget_device_metering(connection, household_id, device_id)


def forecast_of(connection: Connection, slot: Slot, now: datetime) -> SlotForecast:
    """Forecast when a slot is needed again, from all that is known of it now.

    Of a press slot it is a guess from its orders, to be shown and never acted upon.
    """
    today = stock.days(now)
    if slot.metering is Metering.PRESS or slot.reorder_units is None:
        history = gap_history(connection, slot, now)
        shown = tuple(Point(_instant(day), 1.0) for day in history.days)
        predicted = learned.gaps_model(connection, slot).predict(history, today)
        return SlotForecast(slot, now, predicted, None, shown)
    left = level_history(connection, slot, now, now - KEPT)
    shown = tuple(
        Point(_instant(day), value) for day, value in zip(left.days, left.remaining, strict=True)
    )
    remaining = left.remaining[-1] if left.remaining else None
    predicted = learned.levels_model(connection, slot).predict(left, today)
    return SlotForecast(slot, now, predicted, remaining, shown)


def _instant(day: float) -> datetime:
    return stock.EPOCH + timedelta(days=day)


def gap_history(connection: Connection, slot: Slot, now: datetime) -> History:
    """Give when a press slot's product was wanted: its orders, but those nobody needed."""
    bought = repository.deliveries(connection, _place(slot))
    real = [each for each in bought if each.answer not in _NO_NEED]
    return History([stock.days(each.confirmed_at) for each in real], until_days=stock.days(now))


def level_history(
    connection: Connection, slot: Slot, now: datetime, since: datetime
) -> LevelHistory:
    """Give what was left of a slot that counts, by its readings since an instant."""
    threshold = slot.reorder_units or 0.0
    bought = repository.deliveries(connection, _place(slot))
    read = repository.readings(connection, _place(slot), KINDS[slot.metering].value, since)
    if slot.metering is Metering.LEVEL:
        return stock.level_history(read, threshold)
    units = slot.quantity * (slot.units_per_item or 0.0)
    return stock.stock_history(
        read,
        repository.counts(connection, _place(slot)),
        [Point(each.delivered_at, units) for each in bought if each.delivered_at is not None],
        slot.capacity_units or 0.0,
        threshold,
    )


def foresee(connection: Connection, place: Place, at: At) -> datetime | None:
    """Make a slot's forecast, keep it, and open a need if it is time.

    Returns:
        When to look again; None for a slot that counts no more.
    """
    slot = households.slot(connection, *place)
    if slot is None or slot.metering is Metering.PRESS or slot.reorder_units is None:
        return None
    made = forecast_of(connection, slot, at.now)
    bought = repository.deliveries(connection, place)
    newest = bought[-stock.ANSWERS_MAX :]
    sooner = stock.days_sooner(each.answer for each in newest)
    lead = stock.lead_time(
        (each.delivered_at - each.confirmed_at for each in newest if each.delivered_at is not None),
        sooner,
    )
    kept = repository.kept_forecast(connection, place)
    past = _past(connection, slot, kept, made)
    threshold = slot.reorder_units
    cycle = 0 if kept is None else kept.cycle
    signal_id = None if kept is None else kept.signal_id
    busy = reading.under_way(connection, *place) is not None
    if not busy and stock.is_time(
        made.forecast, made.remaining_units, threshold, lead, past, at.now
    ):
        cycle += 1
        signal_id = derived_id("f", *place, cycle)
        need = _need(slot, signal_id, made, lead, sooner, at.now)
        needs.take_in(connection, place[0], need, source=SOURCE, now=at.now)
    stored = made.forecast.to_json() | {"remaining_units": made.remaining_units}
    repository.keep_forecast(connection, place, KeptForecast(at.now, cycle, signal_id, stored))
    repository.forget_readings_before(connection, place, at.now - KEPT)
    return at.now + EVERY


def _past(
    connection: Connection, slot: Slot, kept: KeptForecast | None, made: SlotForecast
) -> Past | None:
    if kept is None or kept.signal_id is None:
        return None
    signal = needs.signal(connection, slot.household_id, kept.signal_id)
    refilled = any(
        point.at > signal.state_at and point.value > (slot.reorder_units or 0.0)
        for point in made.readings
    )
    return Past(
        ended_at=signal.state_at if signal.state.final else None,
        delivered=signal.state is SignalState.DELIVERED,
        refilled=refilled,
    )


def _need(
    slot: Slot, signal_id: str, made: SlotForecast, lead: timedelta, sooner: int, now: datetime
) -> NeedSignal:
    forecast = made.forecast
    lead_days = lead / timedelta(days=1)
    evidence: dict[str, Any] = {
        "remaining_units": round(made.remaining_units or 0.0, 3),
        "reorder_units": slot.reorder_units or 0.0,
        "lead_days": round(lead_days, 2),
        "days_sooner": sooner,
        "p_within_lead": round(stock.p_within(forecast, lead_days), 3),
        "days_p10": round(forecast.quantiles[0.1], 2),
        "days_p50": round(forecast.quantiles[0.5], 2),
        "days_p90": round(forecast.quantiles[0.9], 2),
    }
    return NeedSignal(
        signal_id=signal_id,
        device_id=slot.device_id,
        slot_key=slot.slot_key,
        kind=SignalKind.RUNNING_OUT,
        occurred_at=now,
        time=TimeNote(boot_id=SOURCE, monotonic_ms=0, quality=TimeQuality.SYNCED, error_ms=0),
        evidence=evidence,
        # The slot's own readings passed the ingest's door; nobody else can open this need.
        authenticated=True,
    )


def _place(slot: Slot) -> Place:
    return slot.household_id, slot.device_id, slot.slot_key
