"""Which offer fits, and when: consent, cap, quiet hours in local time, and the need's own end."""

from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zodra_cloud.offers.campaigns import CAMPAIGNS
from zodra_cloud.offers.policy import (
    OFFER_TRANSITIONS,
    Moment,
    OfferReason,
    OfferState,
    OfferVerdict,
    PastOffer,
    Rules,
    choose,
    fitting,
    quiet_until,
)
from zodra_contract.signal import SignalKind

AMSTERDAM = ZoneInfo("Europe/Amsterdam")
NOON = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
MIDNIGHT = datetime(2026, 11, 22, 23, 0, tzinfo=UTC)
FILTER = Moment(SignalKind.SERVICE_DUE, "thermostat", NOON, {"heating_hours": 1500})
RULES = Rules()


def past(hours_ago: float, campaign: str = "other", **facts: object) -> PastOffer:
    offer = PastOffer(campaign, NOON - timedelta(hours=hours_ago), False, None)
    return replace(offer, **facts)  # type: ignore[arg-type]


CASES = [
    pytest.param(FILTER, 1, [], NOON, OfferVerdict.OFFER, OfferReason.FITS, id="fits"),
    pytest.param(
        FILTER, None, [], NOON, OfferVerdict.REFUSE, OfferReason.NO_CONSENT, id="no consent"
    ),
    pytest.param(
        replace(FILTER, family="button"),
        1,
        [],
        NOON,
        OfferVerdict.REFUSE,
        OfferReason.NOTHING_FITS,
        id="nothing fits",
    ),
    pytest.param(
        FILTER,
        1,
        [],
        NOON + timedelta(days=14),
        OfferVerdict.REFUSE,
        OfferReason.OUTLIVED,
        id="the need is over",
    ),
    pytest.param(
        FILTER,
        1,
        [past(48, "heating-filter", is_open=True)],
        NOON,
        OfferVerdict.REFUSE,
        OfferReason.ALREADY_OFFERED,
        id="it waits already",
    ),
    pytest.param(
        FILTER,
        1,
        [past(200, "heating-filter", dismissed_at=NOON - timedelta(days=8))],
        NOON,
        OfferVerdict.REFUSE,
        OfferReason.DISMISSED_BEFORE,
        id="a no of last week",
    ),
    pytest.param(
        FILTER,
        1,
        [past(900, "heating-filter", dismissed_at=NOON - timedelta(days=31))],
        NOON,
        OfferVerdict.OFFER,
        OfferReason.FITS,
        id="a no of last month",
    ),
    pytest.param(
        FILTER, 1, [past(23)], NOON, OfferVerdict.REFUSE, OfferReason.DAILY_CAP, id="one today"
    ),
    pytest.param(FILTER, 1, [past(24)], NOON, OfferVerdict.OFFER, OfferReason.FITS, id="a day ago"),
    pytest.param(
        FILTER, 1, [], MIDNIGHT, OfferVerdict.WAIT, OfferReason.QUIET_HOURS, id="at midnight"
    ),
    pytest.param(
        replace(FILTER, occurred_at=NOON - timedelta(days=13, hours=8)),
        1,
        [],
        MIDNIGHT,
        OfferVerdict.REFUSE,
        OfferReason.QUIET_HOURS,
        id="the night outlives the need",
    ),
    pytest.param(
        FILTER,
        None,
        [past(1)],
        MIDNIGHT,
        OfferVerdict.REFUSE,
        OfferReason.NO_CONSENT,
        id="consent comes first",
    ),
]


@pytest.mark.parametrize(("moment", "consent_id", "history", "now", "verdict", "reason"), CASES)
def test_choice(
    moment: Moment,
    consent_id: int | None,
    history: list[PastOffer],
    now: datetime,
    verdict: OfferVerdict,
    reason: OfferReason,
) -> None:
    chosen = choose(moment, CAMPAIGNS, consent_id, history, RULES, now, AMSTERDAM)
    assert (chosen.verdict, chosen.reason) == (verdict, reason)


def test_without_consent_nothing_about_the_household_is_looked_at() -> None:
    refused = choose(FILTER, CAMPAIGNS, None, [past(1)], RULES, NOON, AMSTERDAM)
    assert refused.facts == {"consent_id": None}


@pytest.mark.parametrize(
    ("moment", "english", "dutch"),
    [
        pytest.param(
            FILTER,
            "Because the heating has run for 1,500 hours since the filter was new.",
            "Omdat de verwarming 1.500 uur heeft gedraaid sinds het filter nieuw was.",
            id="hours",
        ),
        pytest.param(
            replace(FILTER, evidence={"heating_hours": 0.5}),
            "Because the heating has run for 30 minutes since the filter was new.",
            "Omdat de verwarming 30 minuten heeft gedraaid sinds het filter nieuw was.",
            id="minutes",
        ),
        pytest.param(
            replace(FILTER, evidence={"heating_hours": 0.002}),
            "Because the heating has run for 7 seconds since the filter was new.",
            "Omdat de verwarming 7 seconden heeft gedraaid sinds het filter nieuw was.",
            id="seconds",
        ),
        pytest.param(
            replace(FILTER, evidence={}),
            "Because the filter of your heating has run for as long as it should.",
            "Omdat het filter van je verwarming zo lang meeging als het hoort mee te gaan.",
            id="no duration",
        ),
        pytest.param(
            replace(FILTER, evidence={"heating_hours": "many"}),
            "Because the filter of your heating has run for as long as it should.",
            "Omdat het filter van je verwarming zo lang meeging als het hoort mee te gaan.",
            id="a duration that is none",
        ),
    ],
)
def test_an_offer_says_why_in_a_sentence(moment: Moment, english: str, dutch: str) -> None:
    chosen = choose(moment, CAMPAIGNS, 1, [], RULES, NOON, AMSTERDAM)
    assert chosen.sentences == {"en": english, "nl": dutch}


@pytest.mark.parametrize(
    ("rules", "now", "until"),
    [
        pytest.param(RULES, NOON, None, id="at noon"),
        pytest.param(
            RULES, datetime(2026, 11, 22, 21, 0, tzinfo=UTC), "2026-11-23T07:00Z", id="at ten"
        ),
        pytest.param(
            RULES, datetime(2026, 11, 23, 6, 59, tzinfo=UTC), "2026-11-23T07:00Z", id="before eight"
        ),
        pytest.param(RULES, datetime(2026, 11, 23, 7, 0, tzinfo=UTC), None, id="at eight"),
        pytest.param(
            RULES,
            datetime(2026, 10, 24, 22, 0, tzinfo=UTC),
            "2026-10-25T07:00Z",
            id="the night that is an hour longer",
        ),
        pytest.param(
            Rules(quiet_from=time(13), quiet_to=time(14)),
            datetime(2026, 11, 22, 12, 30, tzinfo=UTC),
            "2026-11-22T13:00Z",
            id="a nap",
        ),
        pytest.param(Rules(quiet_from=time(8), quiet_to=time(8)), MIDNIGHT, None, id="never quiet"),
    ],
)
def test_quiet_hours_are_those_of_the_household(
    rules: Rules, now: datetime, until: str | None
) -> None:
    ends = quiet_until(rules, now, AMSTERDAM)
    assert (ends and ends.strftime("%Y-%m-%dT%H:%MZ")) == until


times = st.times().map(lambda at: at.replace(microsecond=0))


@given(
    st.builds(Rules, quiet_from=times, quiet_to=times, per_day=st.integers(0, 3)),
    st.integers(0, 3 * 366 * 86_400),
    st.sampled_from(["Europe/Amsterdam", "America/St_Johns", "Pacific/Apia", "UTC"]),
)
def test_the_quiet_hours_end_ahead_and_within_a_day(rules: Rules, s: int, zone: str) -> None:
    now = NOON + timedelta(seconds=s)
    ends = quiet_until(rules, now, ZoneInfo(zone))
    if ends is not None:
        assert now < ends <= now + timedelta(hours=25)


@given(
    st.lists(st.builds(past, st.floats(0, 100)), max_size=5),
    st.integers(0, 3),
    st.integers(0, 86_400),
)
def test_the_cap_holds_whatever_happened(history: list[PastOffer], per_day: int, s: int) -> None:
    now = NOON + timedelta(seconds=s)
    chosen = choose(FILTER, CAMPAIGNS, 1, history, Rules(per_day=per_day), now, AMSTERDAM)
    if chosen.verdict is OfferVerdict.OFFER:
        recent = [each for each in history if now - each.offered_at < timedelta(hours=24)]
        assert len(recent) < per_day


def test_campaigns_are_complete_in_both_languages_and_have_their_own_names() -> None:
    assert len({campaign.campaign_id for campaign in CAMPAIGNS}) == len(CAMPAIGNS)
    for campaign in CAMPAIGNS:
        for words in (campaign.titles, campaign.reasons, campaign.reasons_plain):
            assert words.keys() == {"en", "nl"}


def test_the_campaign_of_the_greatest_value_wins() -> None:
    better = replace(CAMPAIGNS[0], campaign_id="zz-better", value=99)
    assert fitting([*CAMPAIGNS, better], FILTER) is better


def test_an_offer_that_ended_stays_ended() -> None:
    assert {source for source, _event in OFFER_TRANSITIONS} == {OfferState.OPEN}
