"""What stands, from the rows of the ledger alone."""

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from zodra_cloud.consent.policy import ConsentRow, Method, Purpose, current, live_grant

AT = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


def row(consent_id: int, purpose: Purpose, granted: bool) -> ConsentRow:
    return ConsentRow(consent_id, purpose, granted, "u-1", AT, "2026-11", "nl", Method.PAGE)


rows = st.lists(
    st.tuples(st.integers(1, 10**6), st.sampled_from(Purpose), st.booleans()),
    unique_by=lambda each: each[0],
    max_size=12,
).map(lambda entries: [row(*entry) for entry in entries])


@given(rows, st.sampled_from(Purpose))
def test_the_last_word_of_a_purpose_counts(ledger: list[ConsentRow], purpose: Purpose) -> None:
    said = sorted(
        (each for each in ledger if each.purpose is purpose), key=lambda each: each.consent_id
    )
    assert current(ledger, purpose) == (said[-1] if said else None)
    granted = bool(said) and said[-1].granted
    assert (live_grant(ledger, purpose) is not None) == granted


@given(rows, st.sampled_from(Purpose))
def test_after_a_withdrawal_nothing_is_granted(ledger: list[ConsentRow], purpose: Purpose) -> None:
    withdrawn = row(10**6 + 1, purpose, granted=False)
    assert live_grant([withdrawn, *ledger], purpose) is None


@given(rows, st.sampled_from(Purpose))
def test_what_is_said_about_one_purpose_says_nothing_about_another(
    ledger: list[ConsentRow], purpose: Purpose
) -> None:
    others = [each for each in ledger if each.purpose is not purpose]
    assert live_grant(others, purpose) is None
