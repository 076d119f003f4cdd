"""How a subscription ends: cancelled with its literal words, or withdrawn from in two steps."""

from zodra_cloud.subscriptions.service import LIVE, Refused, Status, SubscriptionView
from zodra_cloud.web.i18n import Speech
from zodra_cloud.web.views.pages import Fact
from zodra_cloud.web.views.subscriptions import words
from zodra_cloud.web.views.subscriptions.overview import address_of, item_text
from zodra_cloud.web.views.subscriptions.pages import EndBox, LeavePage, Tried


def end_box(
    speech: Speech, view: SubscriptionView, label: str, withdraw_label: str, tried: Tried | None
) -> EndBox | None:
    """Make the control that cancels, with the date from which it is no more."""
    if view.status not in LIVE:
        return None
    wrong = tried is not None and tried.command == "cancel"
    may_cancel = view.status is not Status.LEAVING and view.would_end_on is not None
    sentence = ""
    if may_cancel and view.would_end_on is not None:
        sentence = speech.say(
            "If you cancel now, the first day without it is %(day)s. What a shop has by then is"
            " still delivered.",
            day=speech.on(view.would_end_on),
        )
    elif view.ends_on is not None:
        sentence = speech.say("Cancelled. It ends on %(day)s.", day=speech.on(view.ends_on))
    return EndBox(
        label=label if may_cancel else "",
        sentence=sentence,
        withdraw=withdraw_label if view.withdraw_until is not None else "",
        withdraw_sentence=""
        if view.withdraw_until is None
        else speech.say(
            "You may withdraw until the end of %(day)s. It then ends at once.",
            day=speech.on(view.withdraw_until),
        ),
        fault=words.refusal(speech, tried.refused) if wrong and tried is not None else "",
    )


def leave_page(
    speech: Speech, view: SubscriptionView, label: str, seen: int, refused: Refused | None = None
) -> LeavePage:
    """Make the second step of withdrawing from a subscription."""
    until = view.withdraw_until
    facts = [
        (speech.say("Subscription"), item_text(speech, view.item)),
        (speech.say("How often"), words.cadence(speech, view.cadence)),
        (speech.say("Joined"), "" if view.joined_on is None else speech.on_short(view.joined_on)),
        (speech.say("Sold by"), "" if view.terms is None else view.terms.merchant_name),
    ]
    return LeavePage(
        back=address_of(view.subscription_id),
        action=f"{address_of(view.subscription_id)}/withdraw",
        title=speech.say("Withdraw from the subscription"),
        facts=tuple(Fact(name, value) for name, value in facts if value),
        sentence=speech.say("The time to withdraw is over.")
        if until is None
        else speech.say(
            "You may withdraw until the end of %(day)s. It then ends at once.",
            day=speech.on(until),
        ),
        label="" if until is None else label,
        seen=seen,
        fault="" if refused is None else words.refusal(speech, refused),
    )
