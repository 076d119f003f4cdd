"""Presses and purchases: what a forecast says, what it rests on, and that it can be forgotten."""

import json
import math
from dataclasses import replace
from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forecast_homes import FAMILIES
from forecast_judging import as_histories, fitted_gaps, judge_gaps
from zodra_cloud.forecast import HORIZONS_DAYS, LEVELS, Forecast, History, Model, State, fit

PANTRY = FAMILIES[0]


@cache
def coffee() -> Model:
    """Fit a category with a need every month, by and large; when a test asks, not every worker."""
    return fitted_gaps(PANTRY, 200, 2)


days = st.floats(allow_nan=False, allow_infinity=False) | st.floats(-4000, 4000)
amounts = st.floats(allow_nan=False, allow_infinity=False) | st.floats(0.1, 20)
rows = st.lists(st.tuples(days, amounts), max_size=60)


def every_month(count: int, gap: float = 30.0) -> History:
    return History([gap * n for n in range(count)])


def sound(forecast: Forecast) -> None:
    quantiles, within = list(forecast.quantiles.values()), list(forecast.within.values())
    assert list(forecast.quantiles) == list(LEVELS)
    assert list(forecast.within) == list(HORIZONS_DAYS)
    assert all(math.isfinite(each) and each >= 0 for each in quantiles)
    assert quantiles == sorted(quantiles)
    assert all(0 <= each <= 1 for each in within)
    assert within == sorted(within)
    why = forecast.explanation
    numbers = (why.typical, why.spread, why.share_household, why.stopped_probability)
    assert all(each is not None and math.isfinite(each) for each in numbers)
    assert 0 <= why.share_household <= 1
    assert 0 <= why.stopped_probability <= 1
    json.dumps(forecast.to_json(), allow_nan=False)


@given(rows=rows, now=st.floats(-5000, 5000))
@settings(max_examples=150, deadline=None)
def test_any_history_gets_a_sound_forecast(rows: list[tuple[float, float]], now: float) -> None:
    history = History([day for day, _ in rows], [amount for _, amount in rows])
    for model in (coffee(), Model()):
        sound(model.predict(history, now))


@given(histories=st.lists(st.tuples(rows, st.none() | days), max_size=6))
@settings(max_examples=30, deadline=None)
def test_any_histories_can_be_fitted(
    histories: list[tuple[list[tuple[float, float]], float | None]],
) -> None:
    given_all = [History([d for d, _ in r], [q for _, q in r], until) for r, until in histories]
    model = fit(given_all)
    sound(model.predict(every_month(5), 130.0))
    sound(model.predict(History([]), 0.0))


@pytest.mark.parametrize(
    "history",
    [
        pytest.param(History([]), id="nothing"),
        pytest.param(History([5.0]), id="one need"),
        pytest.param(History([5.0] * 40), id="all at once"),
        pytest.param(History([0.0, 1e-9, 1e7]), id="a gap of thousands of years"),
        pytest.param(History([float(n) for n in range(5000)]), id="thousands of needs"),
        pytest.param(History([1.0, 40.0], [1e300, -3.0]), id="absurd quantities"),
    ],
)
def test_odd_histories_get_a_sound_forecast(history: History) -> None:
    for now in (-1.0, 5.0, 60.0, 6000.0, 2e7):
        sound(coffee().predict(history, now))


def test_a_regular_household_is_told_about_its_own_gap() -> None:
    forecast = coffee().predict(every_month(14), 390.0 + 20.0)
    assert 7 < forecast.quantiles[0.5] < 13
    assert forecast.within[30] > 0.8
    assert forecast.state is State.ACTIVE
    why = forecast.explanation
    assert (why.count, why.last_days, why.elapsed_days) == (13, 390.0, 20.0)
    assert why.typical == pytest.approx(30, rel=0.1)
    assert why.share_household > 0.7
    assert why.households > 150


def test_without_history_the_category_speaks_in_wide_bands_and_says_so() -> None:
    cold, warm = coffee().predict(History([0.0]), 5.0), coffee().predict(every_month(14), 395.0)
    assert cold.state is State.COLD
    assert cold.explanation.share_household == 0
    spread = cold.quantiles[0.9] / cold.quantiles[0.1]
    assert spread > 2.5 * warm.quantiles[0.9] / warm.quantiles[0.1]
    guess = Model().predict(History([0.0]), 5.0)
    assert guess.explanation.households == 0
    assert guess.quantiles[0.9] / guess.quantiles[0.1] > spread


def test_twice_as_much_lasts_longer() -> None:
    needs = [30.0 * n for n in range(8)]
    small = coffee().predict(History(needs, [1.0] * 8), 215.0)
    large = coffee().predict(History(needs, [1.0] * 7 + [2.0]), 215.0)
    assert large.quantiles[0.5] > 1.5 * small.quantiles[0.5]
    assert large.explanation.last_quantity == 2.0


def test_silence_first_raises_the_expectation_and_then_ends_it() -> None:
    asked = [coffee().predict(every_month(14), 390.0 + silence) for silence in (1, 25, 45, 400)]
    soon = [forecast.within[7] for forecast in asked]
    assert soon[0] < soon[1] > soon[3]
    gone = [forecast.explanation.stopped_probability for forecast in asked]
    assert gone == sorted(gone)
    assert [forecast.state for forecast in asked] == [
        State.ACTIVE,
        State.ACTIVE,
        State.OVERDUE,
        State.STOPPED,
    ]
    assert asked[3].within[90] < 0.1


def test_one_new_need_ends_the_state_of_having_stopped() -> None:
    needs = list(every_month(14).days)
    assert coffee().predict(History(needs), 900.0).state is State.STOPPED
    assert coffee().predict(History([*needs, 899.0]), 900.0).state is State.ACTIVE


def test_what_lies_after_now_is_not_known() -> None:
    known = History([0.0, 30.0, 60.0])
    later = History([95.0, 0.0, 60.0, 30.0, 200.0])
    assert coffee().predict(later, 70.0) == coffee().predict(known, 70.0)


def test_two_presses_in_a_morning_are_one_need_and_two_purchases_are_a_bigger_one() -> None:
    assert coffee().predict(History([0, 30, 30.1]), 40.0).explanation.count == 1
    bought = coffee().predict(History([0, 30, 30.1], [1, 1, 2]), 40.0)
    assert bought.explanation.last_quantity == 3.0


def test_many_at_once_are_forecast_as_one_by_one() -> None:
    histories = as_histories(PANTRY, 150, 3)
    nows = [1000.0 + n for n in range(len(histories))]
    together = coffee().predict_many(histories, nows)
    for history, now, forecast in zip(histories[::10], nows[::10], together[::10], strict=True):
        alone = coffee().predict(history, now)
        assert forecast.within == pytest.approx(alone.within, abs=1e-9)
        assert forecast.quantiles == pytest.approx(alone.quantiles, rel=1e-6)
        assert forecast.state == alone.state


def test_a_forecast_stretches_with_the_category() -> None:
    """Hours or months in place of days: the same gaps, longer, in a category as much longer."""
    slow = replace(
        coffee(),
        population=replace(
            coffee().population, log_gap=coffee().population.log_gap + math.log(3.0)
        ),
    )
    for count in (1, 2, 9):
        near = coffee().predict(every_month(count), 30.0 * count - 10.0)
        far = slow.predict(every_month(count, 90.0), 90.0 * count - 30.0)
        for level in LEVELS:
            assert far.quantiles[level] == pytest.approx(3 * near.quantiles[level], rel=1e-6)
        assert far.within[90] >= far.within[30]


def test_a_model_stored_as_json_is_the_same_model() -> None:
    stored = json.loads(json.dumps(coffee().to_json(), allow_nan=False))
    assert Model.from_json(stored) == coffee()
    with pytest.raises(ValueError, match="format"):
        Model.from_json({**stored, "format": "something else"})


def test_a_household_is_forgotten_by_fitting_again_without_it() -> None:
    histories = as_histories(PANTRY, 60, 5)
    everyone = fit(histories)
    erased = fit([each for place, each in enumerate(histories) if place != 17])
    never_seen = fit([*histories[18:], *histories[:17]])
    assert erased == never_seen
    assert erased != everyone
    assert json.dumps(erased.to_json()) == json.dumps(never_seen.to_json())


def test_a_model_holds_no_more_for_many_households_than_for_few() -> None:
    few, many = (json.dumps(fit(as_histories(PANTRY, n, 6)).to_json()) for n in (5, 50))
    assert abs(len(many) - len(few)) < 200


def test_few_histories_leave_our_guess_standing() -> None:
    one = fit([every_month(4, 3.0)])
    assert one.population.households == 1
    typical = one.predict(History([0.0]), 0.0).explanation.typical
    assert typical is not None
    assert 3.0 < typical < 30.0


def test_refused_input_names_what_is_wrong() -> None:
    with pytest.raises(ValueError, match="2 days but 1 quantities"):
        coffee().predict(History([1.0, 2.0], [1.0]), 3.0)
    with pytest.raises(ValueError, match="now_days"):
        coffee().predict(every_month(3), math.nan)
    with pytest.raises(ValueError, match="need 1 is"):
        coffee().predict(History([1.0, math.nan]), 3.0)
    with pytest.raises(ValueError, match="need 0 is"):
        fit([History([1.0], [math.inf])])
    with pytest.raises(ValueError, match="until_days"):
        fit([History([1.0], None, math.nan)])


def test_the_probabilities_are_true_on_homes_never_seen() -> None:
    """Bounds wider than the claim, for few homes; `python -m bench forecast` holds the claim."""
    judged = judge_gaps(fitted_gaps(PANTRY, 800, 41), PANTRY, 2500, 42)
    assert judged.ece[30] <= 0.04
    assert 0.75 <= judged.covered <= 0.87
    assert judged.brier < 0.6 * judged.brier_base
    assert judged.brier < 0.6 * judged.brier_naive
    assert abs(judged.stopped_said - judged.stopped_were) < 0.12
