"""The words for closed lists: states, reasons, kinds. A name without words fails a test."""

from typing import Final

from zodra_cloud.fleet.policy import GatewayState
from zodra_cloud.web.i18n import Speech, mark
from zodra_cloud.web.views.pages import Chip, Tone
from zodra_contract.outcome import SignalState
from zodra_contract.signal import SignalKind

STATES: Final[dict[SignalState, tuple[Tone, str]]] = {
    SignalState.RECEIVED: (Tone.BUSY, mark("received")),
    SignalState.ASKED: (Tone.WAIT, mark("asked")),
    SignalState.ORDERING: (Tone.BUSY, mark("ordering")),
    SignalState.ORDERED: (Tone.BUSY, mark("ordered")),
    SignalState.SHIPPED: (Tone.BUSY, mark("under way")),
    SignalState.DELIVERED: (Tone.GOOD, mark("delivered")),
    SignalState.ALREADY_ON_ITS_WAY: (Tone.QUIET, mark("already on its way")),
    SignalState.REFUSED: (Tone.BAD, mark("refused")),
    SignalState.EXPIRED: (Tone.QUIET, mark("expired")),
}

REASONS: Final[dict[str, str]] = {
    "no_consent": mark("You do not allow this, so nothing was done."),
    "nothing_bound": mark("Nothing is linked to this device yet, so there is nothing to order."),
    "already_on_its_way": mark("It is on its way already, so nothing more is ordered."),
    "already_asked": mark("The same question waits for your answer already."),
    "cooldown": mark("It was ordered only a short while ago, so nothing more is ordered yet."),
    "spend_cap": mark("What this may cost in a day is spent, so nothing more is ordered today."),
    "over_spend_cap": mark("It would cost more than you allow in a day. Nothing was ordered."),
    "not_allowed_to_press": mark("Anybody may have pressed, so we ask first."),
    "within_agreement": mark("It is within your agreement, so it is ordered."),
    "needed_soon": mark("It will probably run out before a delivery could come."),
    "cancelled_by_household": mark("You cancelled the order."),
    "buying_paused": mark("Buying is paused on your gateway, so we ask first."),
    "unauthenticated": mark("The device could not prove who it is, so we ask first."),
    "stale": mark("The need is older than we trust, so we ask first whether it is still there."),
    "price_above_ceiling": mark("The price is above the limit you set, so look closely."),
    "confirm_first": mark("You always see the price first, and say yes or no."),
    "out_of_stock": mark("The shop has none left."),
    "unknown_item": mark("The shop does not sell this any more."),
    "price_changed": mark("The price changed, so a new quote follows."),
    "quote_expired": mark("The price expired before there was an answer. Nothing was ordered."),
    "question_expired": mark("There was no answer in time. Nothing was ordered."),
    "declined": mark("You said no. Nothing was ordered."),
    "consent_withdrawn": mark("You withdrew your consent, so nothing was ordered."),
    "payment_declined": mark("The payment was declined. Nothing was ordered."),
    "payment_not_completed": mark("The payment was not approved in time. Nothing was ordered."),
    "payment_pending": mark("The payment is being arranged."),
    "payment_action": mark("The payment waits for your approval."),
    "shop_refused": mark("The shop did not take the order."),
    "shop_unavailable": mark("The shop could not be reached in time. Nothing was ordered."),
    "late": mark("It comes later than was promised."),
    "cancelled_by_shop": mark("The shop cancelled the order."),
    "not_at_shop": mark("The shop turned out not to have the order. Nothing was bought."),
    "nothing_fits": mark("No offer fits this moment."),
    "outlived": mark("The moment has passed for an offer."),
    "already_offered": mark("The same offer waits for you already."),
    "dismissed_before": mark("You said no to this offer not long ago."),
    "daily_cap": mark("There was an offer today already; one a day is the most."),
    "quiet_hours": mark("It is quiet time at your home, so it waits until that is over."),
    "fits": mark("It fits this moment, so it became an offer."),
    "offer": mark("It waits for you as an offer."),
    "offer_accepted": mark("You asked for the price of this offer."),
    "offer_expired": mark("The offer ended without an answer."),
    "dismissed": mark("You said no to this offer."),
}
"""What people read for a reason from the closed lists of `replenish` and `offers`."""

HEADLINES: Final[dict[SignalKind, str]] = {
    SignalKind.PRESS: mark("%(device)s: pressed"),
    SignalKind.LOW_STOCK: mark("%(device)s: running low"),
    SignalKind.SERVICE_DUE: mark("%(device)s: due for service"),
    SignalKind.WORN_OUT: mark("%(device)s: worn for long enough"),
    SignalKind.RUNNING_OUT: mark("%(device)s: will run out soon"),
    SignalKind.SCHEDULED: mark("%(device)s: next delivery due"),
}

OUTCOMES: Final[dict[SignalState, str]] = {
    SignalState.RECEIVED: mark("Just received; we look at it now."),
    SignalState.ASKED: mark("It waits for your answer."),
    SignalState.ORDERING: mark("You said yes; the shop is being asked."),
    SignalState.ORDERED: mark("The shop has your order."),
    SignalState.SHIPPED: mark("It is on its way to you."),
    SignalState.DELIVERED: mark("It was delivered."),
    SignalState.ALREADY_ON_ITS_WAY: mark("It is on its way already, so nothing more is ordered."),
    SignalState.REFUSED: mark("Nothing was ordered."),
    SignalState.EXPIRED: mark("The time to answer passed. Nothing was ordered."),
}

GATEWAY_STATES: Final[dict[GatewayState, tuple[Tone, str]]] = {
    GatewayState.REVOKED: (Tone.QUIET, mark("revoked")),
    GatewayState.NEVER_SEEN: (Tone.QUIET, mark("never seen")),
    GatewayState.SILENT_SINCE: (Tone.BAD, mark("silent")),
    GatewayState.REFUSING: (Tone.BAD, mark("turned away")),
    GatewayState.STORAGE_FAILS: (Tone.BAD, mark("disk fails")),
    GatewayState.DEAF: (Tone.BAD, mark("deaf")),
    GatewayState.BEHIND: (Tone.WAIT, mark("behind")),
    GatewayState.CLOCK_BAD: (Tone.WAIT, mark("clock not set")),
    GatewayState.STORAGE_LOOK: (Tone.WAIT, mark("look at its disk")),
    GatewayState.ONLINE: (Tone.GOOD, mark("online")),
}

RADIO_STAGES: Final[dict[str, str]] = {
    "off": mark("has not begun"),
    "opening": mark("has begun to listen, and heard nothing yet"),
    "hearing": mark("hears"),
    "restarted": mark("heard nothing; it was told to listen again"),
    "rebuilt": mark("heard nothing; the listening was set up anew"),
    "cycled": mark("heard nothing; it was switched off and on"),
    "deaf": mark("hears nothing, and nothing has helped; all of it is tried again"),
    "away": mark("is not there"),
}

RADIO_MODES: Final[dict[str, str]] = {
    "active": mark("asks each device for more"),
    "passive": mark("only listens"),
}

RADIO_STEPS: Final[dict[str, str]] = {
    "open": mark("began to listen"),
    "restart": mark("listened again"),
    "rebuild": mark("set up anew"),
    "power_cycle": mark("switched off and on"),
    "alarm": mark("alarm"),
    "recovered": mark("recovered"),
}

REJECTIONS: Final[dict[str, str]] = {
    "newer_version": mark("newer version than we read"),
    "oversized": mark("too large"),
    "malformed": mark("not readable"),
    "wrong_gateway": mark("wrong gateway"),
    "revoked": mark("revoked gateway"),
    "stays_home": mark("reading that stays home"),
    "unknown_device": mark("unknown device"),
    "wrong_bind_key": mark("wrong key"),
    "not_json": mark("not JSON"),
    "unknown_format": mark("unknown format"),
    "retained_action": mark("retained action"),
    "unknown_action": mark("unknown action of a button"),
    "unreadable_field": mark("field not readable"),
    "plain_text_refused": mark("not encrypted"),
    "replay": mark("replay"),
    "repeat": mark("repeat"),
    "bounce": mark("bounce"),
    "other": mark("a reason that only a newer cloud knows"),
}

JOBS: Final[dict[str, str]] = {
    "decide": mark("Decide about a need"),
    "quote": mark("Ask the shop for a price"),
    "place": mark("Place an order"),
    "follow": mark("Follow an order"),
    "cancel": mark("Cancel an order"),
    "look_late": mark("See whether an order is late"),
    "follow_up": mark("Ask whether a delivery was right"),
    "forecast": mark("Foresee when a slot runs out"),
    "forecast_round": mark("See whose forecasts are to be learned from"),
    "forecast_fit": mark("Learn what is usual of a product"),
    "subscription": mark("Look after a subscription"),
    "pay": mark("Arrange a payment"),
    "capture_by": mark("Take a payment before its hold ends"),
    "refund": mark("Give money back"),
    "mandate": mark("Arrange a mandate"),
    "tell_gateway": mark("Tell a gateway"),
    "send_command": mark("Send a command"),
    "expire_quote": mark("Let a quote expire"),
    "decide_offer": mark("Decide about an offer"),
    "expire_offer": mark("Let an offer expire"),
    "replenish_withdrawn": mark("Take back what waits after a withdrawal"),
    "offers_withdrawn": mark("Take back what waits after a withdrawal"),
    "mail": mark("Send a letter"),
    "refund_withdrawal": mark("Pay back after a withdrawal"),
}


def plain(name: str) -> str:
    """Write a name that has no words of its own, such as `low_power`, as people would."""
    return name.replace("_", " ")


def reason(speech: Speech, name: str) -> str:
    """Say a reason; empty for none."""
    if not name:
        return ""
    found = REASONS.get(name)
    return speech.say(found) if found else plain(name)


def named(speech: Speech, names: dict[str, str], name: str) -> str:
    """Say a name from one of the lists above; one that is not there stays readable."""
    found = names.get(name)
    return speech.say(found) if found else plain(name)


def state_chip(speech: Speech, state: SignalState, reason_name: str) -> Chip:
    """Make the chip of a need-moment's state; a no that the household said is no alarm."""
    if state is SignalState.REFUSED and reason_name in _OWN_NO:
        return Chip(speech.say("you said no"), Tone.QUIET)
    if state is SignalState.REFUSED and reason_name in _NOT_DONE:
        return Chip(speech.say("not done"), Tone.QUIET)
    if state is SignalState.RECEIVED and reason_name == "quiet_hours":
        return Chip(speech.say("waits"), Tone.WAIT)
    tone, text = STATES[state]
    return Chip(speech.say(text), tone)


_OWN_NO: Final = frozenset({"declined", "dismissed", "consent_withdrawn"})
_NOT_DONE: Final = frozenset(
    {"no_consent", "nothing_bound", "nothing_fits", "outlived", "dismissed_before"}
    | {"daily_cap", "already_offered", "quiet_hours"}
)
