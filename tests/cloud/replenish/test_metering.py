"""A slot that counts: from a gateway's readings to a need that the cloud opens in time, once."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from business_builders import HOUSEHOLD, Business
from cloud_builders import slot
from zodra_cloud.consent.service import Purpose
from zodra_cloud.households import service as households
from zodra_cloud.households.models import Metering
from zodra_cloud.ingest import service as needs
from zodra_cloud.ingest.models import StoredSignal
from zodra_cloud.ingest.service import Metered
from zodra_cloud.merchants.port import ShopOrderState
from zodra_cloud.replenish import repository
from zodra_cloud.replenish import service as replenish
from zodra_cloud.replenish.metering import foreseeing
from zodra_cloud.replenish.models import Confirmed
from zodra_cloud.replenish.states import Answer
from zodra_cloud.store.engine import Database
from zodra_contract.reading import ReadingKind
from zodra_contract.signal import SignalKind

LEVEL = replace(
    slot(HOUSEHOLD, "btn-kitchen", "button-1", sku="paper-towels-6"),
    metering=Metering.LEVEL,
    unit="sheets",
    capacity_units=100.0,
    reorder_units=10.0,
)
USAGE = replace(LEVEL, metering=Metering.USAGE, units_per_item=100.0)


@pytest.fixture
def home(database: Database) -> Business:
    return Business(database).set_up(Purpose.REPLENISH)


def bind(home: Business, bound: Any) -> None:
    with home.database.write(HOUSEHOLD) as connection:
        households.bind_slot(connection, bound, now=home.clock.now())


def read(home: Business, value: float, kind: ReadingKind = ReadingKind.REMAINING_UNITS) -> None:
    """Take a reading in as the ingest does, and do what is due."""
    heard = [Metered(HOUSEHOLD, "btn-kitchen", kind, value, home.clock.now())]
    with home.database.write() as connection:
        foreseeing.keep(connection, heard, home.clock.now())
    home.do_jobs()


def use(home: Business, days: int, start: float, per_day: float) -> None:
    for day in range(days):
        read(home, start - per_day * day)
        home.wait(86_400)


def foreseen(home: Business) -> list[StoredSignal]:
    with home.database.read() as connection:
        return [
            each
            for each in needs.recent_signals(connection, HOUSEHOLD, 50)
            if each.kind is SignalKind.RUNNING_OUT
        ]


def test_a_level_that_falls_opens_one_need_before_a_delivery_would_be_too_late(
    home: Business,
) -> None:
    bind(home, LEVEL)
    use(home, 20, 100.0, 3.0)
    assert foreseen(home) == []
    use(home, 10, 40.0, 3.0)
    (need,) = foreseen(home)
    assert need.authenticated
    assert need.gateway_id == "cloud"
    left = need.evidence["remaining_units"]
    assert 10.0 < left <= 10.0 + 3.0 * 5
    assert need.evidence["p_within_lead"] >= 0.6
    assert home.stands(need.signal_id)[1] in ("needed_soon", "quote_expired")
    with home.database.read() as connection:
        why = replenish.why(connection, HOUSEHOLD, need.signal_id)
    decision = next(step for step in why.steps if step.kind.value == "decision")
    assert decision.reason == "needed_soon"
    assert decision.facts["forecast_p_within_lead"] == need.evidence["p_within_lead"]
    assert home.balance().adds_up


def test_at_the_threshold_a_need_opens_at_once_however_little_is_known(home: Business) -> None:
    bind(home, LEVEL)
    read(home, 9.0)
    (need,) = foreseen(home)
    assert home.stands(need.signal_id) == ("asked", "needed_soon")


def test_a_need_that_is_open_or_was_declined_a_moment_ago_is_not_opened_again(
    home: Business,
) -> None:
    bind(home, LEVEL)
    read(home, 9.0)
    home.wait(86_400)
    read(home, 8.0)
    assert len(foreseen(home)) == 1  # its quote expired unanswered a day ago
    for _day in range(3):
        home.wait(86_400)
    assert len(foreseen(home)) == 2


def delivered(home: Business) -> None:
    said = home.confirm(home.quotes()[0])
    assert isinstance(said, Confirmed)
    home.do_jobs()
    home.shop.advance(said.order_key, ShopOrderState.DELIVERED)
    home.wait(60)


def test_after_a_delivery_it_waits_until_it_was_filled_up_and_is_low_again(home: Business) -> None:
    bind(home, LEVEL)
    read(home, 9.0)
    delivered(home)
    for _day in range(6):
        home.wait(86_400)
        read(home, 7.0)
    assert len(foreseen(home)) == 1
    read(home, 95.0)
    for _day in range(4):
        home.wait(86_400)
    assert len(foreseen(home)) == 1
    home.wait(60)
    read(home, 9.0)
    assert len(foreseen(home)) == 2


def test_a_usage_slot_keeps_its_stock_here_and_a_delivery_fills_it(home: Business) -> None:
    bind(home, USAGE)
    read(home, 5.0, ReadingKind.USED_UNITS)
    home.wait(86_400)
    read(home, 96.0, ReadingKind.USED_UNITS)
    home.wait(6 * 3_600)
    (need,) = foreseen(home)
    assert need.evidence["remaining_units"] == 9.0
    delivered(home)
    with home.database.read() as connection:
        made = replenish.forecast_of(connection, USAGE, home.clock.now())
    assert made.remaining_units == 109.0
    with home.database.write(HOUSEHOLD) as connection:
        replenish.count_remaining(connection, USAGE, 50.0, now=home.clock.now())
        made = replenish.forecast_of(connection, USAGE, home.clock.now())
    assert made.remaining_units == 50.0


def test_new_readings_make_a_forecast_at_most_every_six_hours_and_a_quiet_slot_daily(
    home: Business,
) -> None:
    bind(home, LEVEL)

    def made_at() -> Any:
        with home.database.read() as connection:
            return connection.exec_driver_sql("SELECT made_at FROM slot_forecasts").scalar_one()

    read(home, 90.0)
    first = made_at()
    home.wait(3_600)
    read(home, 89.0)
    assert made_at() == first
    home.wait(5 * 3_600)
    assert made_at() == first + 6 * 3_600_000
    home.wait(86_400)
    assert made_at() == first + 30 * 3_600_000


def test_readings_of_an_hour_are_one_and_repeats_change_nothing(home: Business) -> None:
    bind(home, LEVEL)
    now = home.clock.now()
    heard = [
        Metered(HOUSEHOLD, "btn-kitchen", "remaining_units", value, now + timedelta(minutes=minute))
        for minute, value in ((0, 50.0), (10, 48.0), (5, 49.0), (70, 45.0))
    ]
    for _again in range(2):
        with home.database.write() as connection:
            foreseeing.keep(connection, heard, now)
    with home.database.read() as connection:
        rows = connection.exec_driver_sql("SELECT value FROM slot_readings ORDER BY hour")
        assert list(rows.scalars()) == [48.0, 45.0]


def test_what_is_no_slot_that_counts_is_not_kept(home: Business) -> None:
    read(home, 9.0)
    bind(home, LEVEL)
    read(home, 9.0, ReadingKind.USED_UNITS)
    assert home.count("slot_readings") == 0
    assert foreseen(home) == []


def test_a_press_slot_shows_a_forecast_and_never_orders_by_it(home: Business) -> None:
    bound = slot(HOUSEHOLD, "btn-kitchen", "button-1", sku="paper-towels-6")
    for counter in range(4):
        home.press(counter)
        home.do_jobs()
        delivered(home)
        home.wait(28 * 86_400)
    with home.database.read() as connection:
        made = replenish.forecast_of(connection, bound, home.clock.now())
    assert made.remaining_units is None
    assert len(made.readings) == 4
    assert made.forecast.explanation.basis == "gaps"
    assert 0 <= made.forecast.quantiles[0.1] <= made.forecast.quantiles[0.9] < 120
    home.wait(90 * 86_400)
    assert foreseen(home) == []


def test_an_erasure_forgets_what_slots_said(home: Business) -> None:
    bind(home, LEVEL)
    use(home, 3, 100.0, 1.0)
    with home.database.write(HOUSEHOLD) as connection:
        replenish.count_remaining(connection, LEVEL, 50.0, now=home.clock.now())
        replenish.forget(connection, HOUSEHOLD, now=home.clock.now(), changes=home.changes)
    tables = ("slot_readings", "slot_counts", "slot_forecasts")
    assert [home.count(table) for table in tables] == [0, 0, 0]


@pytest.mark.parametrize(("said", "sooner"), [(Answer.TOO_LATE, 1), (Answer.TOO_EARLY, -1)])
def test_an_answer_about_the_day_moves_the_next_need_by_a_day_and_why_says_so(
    home: Business, said: Answer, sooner: int
) -> None:
    bind(home, LEVEL)
    read(home, 9.0)
    order = home.confirm(home.quotes()[0])
    assert isinstance(order, Confirmed)
    home.do_jobs()
    home.wait(2 * 86_400)
    home.shop.advance(order.order_key, ShopOrderState.DELIVERED)
    home.wait(86_400)
    with home.database.write(HOUSEHOLD) as connection:
        assert replenish.answer_follow_up(
            connection,
            HOUSEHOLD,
            order.order_key,
            said,
            person_id="u-1",
            now=home.clock.now(),
            changes=home.changes,
        )
    home.wait(60)
    read(home, 95.0)
    home.wait(86_400)
    home.wait(60)
    read(home, 9.0)
    need, _first = foreseen(home)
    assert need.evidence["days_sooner"] == sooner
    with home.database.read() as connection:
        why = replenish.why(connection, HOUSEHOLD, need.signal_id)
        bought = repository.deliveries(connection, (HOUSEHOLD, "btn-kitchen", "button-1"))
    decision = next(step for step in why.steps if step.kind.value == "decision")
    assert decision.facts["forecast_days_sooner"] == sooner
    assert bought[0].delivered_at is not None
    took = (bought[0].delivered_at - bought[0].confirmed_at) / timedelta(days=1)
    assert need.evidence["lead_days"] == pytest.approx(max(took + sooner, 1.0), abs=0.01)
