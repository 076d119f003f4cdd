"""Why we think that something runs out on a day: a headline, reasons, a picture and its table."""

from datetime import timedelta
from typing import Final

from zodra_cloud.forecast import Explanation, Forecast, State
from zodra_cloud.replenish.service import SlotForecast
from zodra_cloud.web.i18n import Speech, mark
from zodra_cloud.web.views.pages import Chip, Fact, Tone
from zodra_cloud.web.views.slots.pages import ForecastBox
from zodra_cloud.web.views.slots.picture import picture

STATES: Final[dict[State, tuple[Tone, str]]] = {
    State.COLD: (Tone.QUIET, mark("still learning")),
    State.ACTIVE: (Tone.GOOD, mark("follows your pace")),
    State.OVERDUE: (Tone.WAIT, mark("later than usual")),
    State.STOPPED: (Tone.QUIET, mark("seems to have stopped")),
}
_PAST_SHOWN: Final = 8
_FAR_DAYS: Final = 366.0
"""Beyond it no day is named: a year and a day is as good as one can say."""


def headline(speech: Speech, made: SlotForecast) -> str:
    """Say when it is probably needed again, in one sentence; never a promise of a day."""
    forecast = made.forecast
    if forecast.state is State.STOPPED:
        return speech.say("It seems not to be needed any more.")
    middle = forecast.quantiles[0.5]
    if middle > _FAR_DAYS:
        return speech.say("Not within a year, as far as one can say.")
    day = speech.day_of(made.made_at + timedelta(days=middle), made.made_at)
    if forecast.state is State.COLD:
        return speech.say(
            "Too little is known yet; other homes would need it around %(day)s.", day=day
        )
    if made.remaining_units is None:
        return speech.say("Probably needed again around %(day)s.", day=day)
    return speech.say("Probably down to the last around %(day)s.", day=day)


def state_chip(speech: Speech, made: SlotForecast) -> Chip:
    """Say how far the forecast is one's own."""
    tone, text = STATES[made.forecast.state]
    return Chip(speech.say(text), tone)


def forecast_box(speech: Speech, made: SlotForecast) -> ForecastBox:
    """Make the forecast of one slot."""
    forecast = made.forecast
    said = headline(speech, made)
    band = _band(speech, made)
    known = bool(made.readings) or forecast.explanation.households > 0
    return ForecastBox(
        headline=said,
        state=state_chip(speech, made),
        reasons=_reasons(speech, made, band),
        picture=picture(speech, made, speech.say("The forecast as a picture"), f"{said} {band}")
        if known
        else None,
        rows=_rows(speech, forecast),
        past=_past(speech, made),
    )


def _band(speech: Speech, made: SlotForecast) -> str:
    forecast = made.forecast
    if forecast.state is State.STOPPED:
        return ""
    low, high = forecast.quantiles[0.1], forecast.quantiles[0.9]
    if high > _FAR_DAYS:
        return ""
    return speech.say(
        "In eight of ten such cases it is between %(first)s and %(last)s.",
        first=speech.day_of(made.made_at + timedelta(days=low), made.made_at),
        last=speech.day_of(made.made_at + timedelta(days=high), made.made_at),
    )


def _reasons(speech: Speech, made: SlotForecast, band: str) -> tuple[str, ...]:
    known = made.forecast.explanation
    said = [band]
    if made.forecast.state is State.STOPPED:
        said.append(
            speech.say(
                "It has been quiet for much longer than usual. One new need makes it count again."
            )
        )
    if made.forecast.state is State.OVERDUE:
        said.append(speech.say("It is later than in nine of ten cases before."))
    said.append(
        _by_level(speech, made, known) if known.basis == "rate" else _by_gaps(speech, known)
    )
    said.append(_rests_on(speech, made.forecast, known))
    return tuple(text for text in said if text)


def _by_gaps(speech: Speech, known: Explanation) -> str:
    if known.typical is None or known.spread is None or known.count == 0:
        return ""
    low, high = known.typical / known.spread, known.typical * known.spread
    said = speech.count(
        "Usually every %(typical)s days (%(low)s to %(high)s), by your last %(n)s gap.",
        "Usually every %(typical)s days (%(low)s to %(high)s), by your last %(n)s gaps.",
        known.count,
        typical=speech.number(round(known.typical)),
        low=speech.number(round(low)),
        high=speech.number(round(high)),
    )
    if known.elapsed_days is None:
        return said
    if round(known.elapsed_days) == 0:
        return f"{said} {speech.say('The last was today.')}"
    ago = speech.count(
        "The last was %(n)s day ago.", "The last was %(n)s days ago.", round(known.elapsed_days)
    )
    return f"{said} {ago}"


def _by_level(speech: Speech, made: SlotForecast, known: Explanation) -> str:
    unit = made.slot.unit
    said = []
    if made.remaining_units is not None:
        said.append(
            speech.say(
                "Left: %(left)s %(unit)s. It is time at %(threshold)s.",
                left=speech.number(round(made.remaining_units, 1)),
                unit=unit,
                threshold=speech.number(made.slot.reorder_units or 0.0),
            )
        )
    if known.typical is not None and known.count:
        said.append(
            speech.say(
                "We count on about %(pace)s %(unit)s a day.",
                pace=speech.number(round(known.typical, 1)),
                unit=unit,
            )
        )
    return " ".join(said)


def _rests_on(speech: Speech, forecast: Forecast, known: Explanation) -> str:
    share = round(100 * known.share_household)
    if forecast.state is State.COLD or share == 0:
        if known.households:
            return speech.count(
                "It rests on %(n)s other home, not on yours.",
                "It rests on %(n)s other homes, not on yours.",
                known.households,
            )
        return speech.say("It rests on a guess of ours until there is more to go by.")
    if share >= 95:
        return speech.say("It rests on your own home alone.")
    return speech.say(
        "%(own)s%% of it rests on your own home, the rest on what is usual.",
        own=speech.number(share),
    )


def _rows(speech: Speech, forecast: Forecast) -> tuple[Fact, ...]:
    return tuple(
        Fact(
            speech.count("Within %(n)s day", "Within %(n)s days", days),
            _percent(speech, probability),
        )
        for days, probability in forecast.within.items()
    )


def _percent(speech: Speech, probability: float) -> str:
    # Nothing is certain; 0 and 100 would say that it were.
    return f"{speech.number(min(99, max(1, round(100 * probability))))}\xa0%"


def _past(speech: Speech, made: SlotForecast) -> tuple[Fact, ...]:
    newest = list(made.readings)[-_PAST_SHOWN:]
    metered = made.remaining_units is not None
    return tuple(
        Fact(
            speech.day_of(point.at, made.made_at),
            speech.say(
                "%(left)s %(unit)s left",
                left=speech.number(round(point.value, 1)),
                unit=made.slot.unit,
            )
            if metered
            else speech.say("ordered"),
        )
        for point in reversed(newest)
    )
