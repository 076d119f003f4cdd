from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zodra_sim.shop import catalogue
from zodra_sim.shop.pricing import Line, Totals, contained_vat, delivery_window, scaled, totals

DELIVERY = catalogue.load().delivery


def line(price: int, quantity: int = 1, vat_percent: int = 21) -> Line:
    return Line("x", quantity, price, vat_percent, {"en": "x", "nl": "x"})


@pytest.mark.parametrize(
    ("lines", "sums"),
    [
        pytest.param([line(799)], Totals(799, 295, 190, 1094), id="one pack pays for delivery"),
        pytest.param([line(2495)], Totals(2495, 295, 484, 2790), id="just below free delivery"),
        pytest.param([line(1250, 2)], Totals(2500, 0, 434, 2500), id="free delivery"),
        pytest.param([line(1599, 1, 9)], Totals(1599, 295, 183, 1894), id="two rates of VAT"),
    ],
)
def test_totals_of_known_carts(lines: list[Line], sums: Totals) -> None:
    assert totals(lines, DELIVERY) == sums


@given(
    st.lists(
        st.builds(
            line,
            st.integers(1, 1_000_000),
            st.integers(1, 99),
            st.sampled_from([0, 9, 21]),
        ),
        min_size=1,
        max_size=8,
    )
)
def test_the_sums_always_fit(lines: list[Line]) -> None:
    sums = totals(lines, DELIVERY)
    assert sums.subtotal + sums.fulfillment == sums.total
    assert 0 <= sums.tax < sums.total


@given(st.integers(0, 10_000_000), st.integers(0, 30))
def test_contained_vat_is_right_to_half_a_cent(amount: int, vat_percent: int) -> None:
    vat = contained_vat(amount, vat_percent)
    assert abs(vat * (100 + vat_percent) - amount * vat_percent) * 2 <= 100 + vat_percent


@given(st.integers(1, 1_000_000), st.floats(0.01, 100))
def test_a_scaled_price_is_never_nothing(price: int, factor: float) -> None:
    assert scaled(price, factor) >= 1


def test_a_factor_of_a_fifth_more() -> None:
    assert scaled(799, 1.2) == 959
    assert scaled(799, 1) == 799


@pytest.mark.parametrize(
    ("day", "earliest", "latest"),
    [
        pytest.param(18, 19, 20, id="Wednesday: Thursday to Friday"),
        pytest.param(20, 21, 23, id="Friday: Saturday to Monday"),
        pytest.param(21, 23, 24, id="Saturday: Monday to Tuesday"),
    ],
)
def test_no_parcels_on_sunday(day: int, earliest: int, latest: int) -> None:
    window = delivery_window(datetime(2026, 11, day, 15, 30, tzinfo=UTC))
    assert window == (
        datetime(2026, 11, earliest, 8, tzinfo=UTC),
        datetime(2026, 11, latest, 17, tzinfo=UTC),
    )


def test_the_shipped_catalogue_has_what_the_demo_orders() -> None:
    shipped = catalogue.load()
    skus = {item.sku for item in shipped.items}
    assert {"paper-towels-6", "diapers-size3-44", "hr-strap", "trv-filter"} <= skus
    assert len(skus) == len(shipped.items)
