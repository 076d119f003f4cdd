"""Money of the shops is read exactly, or refused."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zodra_cloud.kit.money import Money
from zodra_cloud.merchants.http import Garbled, Inconsistent
from zodra_cloud.merchants.terms import MINOR_MAX, decimal_text, money, rounded_money


@given(st.integers(0, MINOR_MAX), st.sampled_from(["EUR", "JPY", "KWD"]))
def test_what_is_written_is_read(minor: int, currency: str) -> None:
    amount = Money(minor, currency)
    assert (
        money(decimal_text(amount), currency)
        == amount
        == rounded_money(decimal_text(amount), currency)
    )


@pytest.mark.parametrize(
    ("said", "currency", "minor"),
    [
        ("18.93", "EUR", 1893),
        (Decimal("16.929999999999998"), "EUR", 1693),
        (19, "EUR", 1900),
        ("500", "JPY", 500),
        ("1.005", "KWD", 1005),
    ],
)
def test_whole_units_become_minor_units(said: object, currency: str, minor: int) -> None:
    assert money(said, currency) == Money(minor, currency)


@pytest.mark.parametrize(
    ("said", "currency", "fault"),
    [
        ("-1.00", "EUR", Inconsistent),
        ("1.005", "EUR", Inconsistent),
        ("1e30", "EUR", Inconsistent),
        ("Infinity", "EUR", Inconsistent),
        ("NaN", "EUR", Inconsistent),
        ("12.00 EUR", "EUR", Garbled),
        ("1_000", "eur", Garbled),
        (True, "EUR", Garbled),
        (None, "EUR", Garbled),
        (1.5, "EUR", Garbled),
    ],
)
def test_what_is_no_amount_is_refused(said: object, currency: str, fault: type[Exception]) -> None:
    with pytest.raises(fault):
        money(said, currency)


def test_a_fraction_of_a_cent_is_rounded_only_where_it_may_be() -> None:
    assert rounded_money(Decimal("22.9053"), "EUR") == Money(2291, "EUR")
    assert rounded_money(Decimal("3.285"), "EUR") == Money(329, "EUR")
