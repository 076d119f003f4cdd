"""The words of the closed lists about subscriptions: states, refusals, cadences."""

from typing import Final

from zodra_cloud.subscriptions.service import Cadence, CycleState, Every, Refused, Status, Why
from zodra_cloud.web.i18n import Speech, mark
from zodra_cloud.web.views.pages import Chip, Tone

STATUSES: Final[dict[Status, tuple[Tone, str]]] = {
    Status.DRAFT: (Tone.BUSY, mark("asking the price")),
    Status.OFFERED: (Tone.WAIT, mark("waits for your yes")),
    Status.ACTIVE: (Tone.GOOD, mark("running")),
    Status.PAUSED: (Tone.QUIET, mark("paused")),
    Status.LEAVING: (Tone.QUIET, mark("cancelled, still running")),
    Status.ENDED: (Tone.QUIET, mark("ended")),
    Status.LAPSED: (Tone.QUIET, mark("not joined")),
}

CYCLES: Final[dict[CycleState, tuple[Tone, str]]] = {
    CycleState.PLANNED: (Tone.QUIET, mark("planned")),
    CycleState.NOTICED: (Tone.BUSY, mark("announced")),
    CycleState.DUE: (Tone.BUSY, mark("being ordered")),
    CycleState.ASKED: (Tone.WAIT, mark("waits for your answer")),
    CycleState.HELD: (Tone.WAIT, mark("waits for another order")),
    CycleState.ORDERED: (Tone.GOOD, mark("ordered")),
    CycleState.PULLED_FORWARD: (Tone.GOOD, mark("your own order came in its place")),
    CycleState.SKIPPED: (Tone.QUIET, mark("skipped")),
    CycleState.FAILED: (Tone.BAD, mark("not delivered")),
}

REFUSALS: Final[dict[Why, str]] = {
    Why.UNKNOWN_SUBSCRIPTION: mark("There is no such subscription."),
    Why.UNKNOWN_SLOT: mark("There is no such place."),
    Why.UNKNOWN_ORDER: mark("There is no such order."),
    Why.KEY_CONFLICT: mark("The page was out of date. Please look again."),
    Why.NOT_POSSIBLE: mark("That is not possible as it stands now."),
    Why.ALREADY_PAUSED: mark("It is paused already."),
    Why.NOT_PAUSED: mark("It is not paused."),
    Why.ALREADY_CANCELLED: mark("It is cancelled already."),
    Why.NO_CONSENT: mark("You do not allow reordering; switch it on under “What you allow”."),
    Why.SLOT_TAKEN: mark("Another subscription runs for this product."),
    Why.EXPIRED: mark("These terms are no longer valid. Please ask for new ones."),
    Why.CHANGED: mark("It changed in the meantime. Please look again."),
    Why.WRONG_LABEL: mark("The page was out of date. Please look again."),
    Why.PAST_DATE: mark("Choose a day after today."),
    Why.TOO_SOON: mark("That is too soon: each charge is announced some days before."),
    Why.TOO_FAR: mark("That is too far ahead."),
    Why.TOO_LATE: mark("It is too late for that."),
    Why.NO_SUCH_DELIVERY: mark("There is no such delivery."),
    Why.BAD_QUANTITY: mark("The number has to be from 1 to 99."),
    Why.BAD_CADENCE: mark("It has to be at least three days and at most a year."),
    Why.BAD_PRICE: mark("The amount has to be above zero, for example 24.50."),
    Why.UNKNOWN_ITEM: mark("The shop does not sell this any more."),
    Why.OUT_OF_STOCK: mark("The shop has none left."),
    Why.SHOP_UNAVAILABLE: mark("The shop cannot be reached now. Nothing was changed."),
    Why.UNKNOWN_LADDER: mark("There are no sizes for this product."),
    Why.NO_PROPOSAL: mark("There is no such proposal any more."),
    Why.NOTHING_CHANGES: mark("That is as it was already."),
}


def refusal(speech: Speech, refused: Refused) -> str:
    """Say why a command changed nothing."""
    return speech.say(REFUSALS[refused.reason])


def status_chip(speech: Speech, status: Status) -> Chip:
    """Say where a subscription stands."""
    tone, text = STATUSES[status]
    return Chip(speech.say(text), tone)


def cycle_chip(speech: Speech, state: CycleState) -> Chip:
    """Say where a delivery stands."""
    tone, text = CYCLES[state]
    return Chip(speech.say(text), tone)


def cadence(speech: Speech, often: Cadence) -> str:
    """Write how often."""
    one, many = OFTEN[often.every]
    if often.count == 1:
        return speech.say(one)
    return speech.say(many, n=speech.number(often.count))


OFTEN: Final[dict[Every, tuple[str, str]]] = {
    Every.DAYS: (mark("every day"), mark("every %(n)s days")),
    Every.WEEKS: (mark("every week"), mark("every %(n)s weeks")),
    Every.MONTHS: (mark("every month"), mark("every %(n)s months")),
}


def because(speech: Speech, why: dict[str, str | int | float | None]) -> str:
    """Say why a forecast changed the cadence; empty where none did."""
    reason = why.get("reason")
    if reason in ("used_slower", "used_faster"):
        text = (
            mark("You use it slower than before: every %(before)s days became %(after)s days.")
            if reason == "used_slower"
            else mark("You use it faster than before: every %(before)s days became %(after)s days.")
        )
        return speech.say(text, before=why.get("before_days"), after=why.get("after_days"))
    if reason == "size_changed":
        return speech.say("It keeps up with size %(size)s.", size=why.get("size"))
    return ""


def growth(speech: Speech, why: dict[str, str | int | float | None]) -> str:
    """Say why another size is proposed."""
    if why.get("reason") == "age":
        return speech.say(
            "At %(months)s months size %(size)s usually fits.",
            months=why.get("age_months"),
            size=why.get("to_size"),
        )
    per_day = why.get("per_day")
    return speech.say(
        "You use about %(n)s a day, as usual with size %(size)s.",
        n=speech.number(per_day) if isinstance(per_day, int | float) else "",
        size=why.get("to_size"),
    )
