"""Terms beside a labelled control: everything that must be shown before a household joins."""

from datetime import datetime

from zodra_cloud.subscriptions.service import Status, SubscriptionView, Terms
from zodra_cloud.web.i18n import Speech
from zodra_cloud.web.views.orders.listing import outside
from zodra_cloud.web.views.pages import Fact, Moment
from zodra_cloud.web.views.subscriptions import words
from zodra_cloud.web.views.subscriptions.overview import item_text
from zodra_cloud.web.views.subscriptions.pages import Labelled, Tried


def offer_of(
    speech: Speech, view: SubscriptionView, label: str, now: datetime, tried: Tried | None
) -> Labelled | None:
    """Make the terms that wait for the labelled yes; None where there are none, or no more."""
    terms = view.terms
    if view.status is not Status.OFFERED or terms is None or not view.offer_open:
        return None
    expires_at = view.expires_at
    return _labelled(
        speech,
        terms,
        title=speech.say("Join this subscription"),
        command="join",
        label=label,
        terms_hash=view.terms_hash or "",
        until=None
        if expires_at is None
        else Moment(
            speech.say("This offer holds until %(when)s.", when=speech.instant(expires_at, now)),
            expires_at.isoformat(),
        ),
        hidden=(),
        tried=tried,
    )


def reprice_of(
    speech: Speech, view: SubscriptionView, terms: Terms, label: str, tried: Tried | None
) -> Labelled:
    """Make the terms with the price that the shop asks now."""
    return _labelled(
        speech,
        terms,
        title=speech.say("The shop asks another price now"),
        command="price",
        label=label,
        terms_hash=terms.sha256(),
        until=None,
        hidden=(("ceiling", str(terms.price.ceiling_minor)),),
        tried=tried,
    )


def _labelled(
    speech: Speech,
    terms: Terms,
    *,
    title: str,
    command: str,
    label: str,
    terms_hash: str,
    until: Moment | None,
    hidden: tuple[tuple[str, str], ...],
    tried: Tried | None,
) -> Labelled:
    wrong = tried is not None and tried.command == command
    return Labelled(
        title=title,
        command=command,
        facts=terms_facts(speech, terms),
        total=speech.money(terms.price.agreed_minor, terms.price.currency),
        total_note=speech.say(
            "each time; includes %(vat)s VAT and all shipping",
            vat=speech.money(terms.vat_minor, terms.price.currency),
        ),
        label=label,
        terms_hash=terms_hash,
        until=until,
        link=outside(terms.terms_url),
        link_returns=outside(terms.returns_url),
        hidden=hidden,
        fault=words.refusal(speech, tried.refused) if wrong and tried is not None else "",
    )


def terms_facts(speech: Speech, terms: Terms) -> tuple[Fact, ...]:
    """Write everything that is agreed, one fact a line."""
    currency = terms.price.currency
    pairs = [
        (speech.say("Each time"), item_text(speech, terms.item)),
        (speech.say("How often"), words.cadence(speech, terms.cadence)),
        (speech.say("First delivery ordered on"), speech.on(terms.first_on)),
        (speech.say("Price each"), speech.money(terms.unit_price_minor, currency)),
        (
            speech.say("Shipping each time"),
            speech.money(terms.shipping_minor, currency)
            if terms.shipping_minor
            else speech.say("free"),
        ),
        (speech.say("If the price changes"), _price_rule(speech, terms)),
        (speech.say("Announced"), _announced(speech, terms)),
        (speech.say("How long"), _term(speech, terms)),
        (speech.say("Cancelling"), _cancelling(speech, terms)),
        (speech.say("Changing your mind"), _withdrawal(speech, terms)),
        (speech.say("Returning a delivery"), _returns(speech, terms)),
        (speech.say("The dates"), _dates(speech, terms)),
        (speech.say("Sold by"), terms.merchant_name),
    ]
    return tuple(Fact(name, value) for name, value in pairs)


def _price_rule(speech: Speech, terms: Terms) -> str:
    ceiling = speech.money(terms.price.ceiling_minor, terms.price.currency)
    return speech.say("Above %(ceiling)s in all you are asked first.", ceiling=ceiling)


def _announced(speech: Speech, terms: Terms) -> str:
    return speech.count(
        "You are told of each charge %(n)s day before it, and can skip it.",
        "You are told of each charge %(n)s days before it, and can skip it.",
        terms.pre_notice_days,
    )


def _term(speech: Speech, terms: Terms) -> str:
    if terms.term_months == 0:
        return speech.say("Until you cancel; there is no first term.")
    return speech.count(
        "The first term is %(n)s month; then from month to month.",
        "The first term is %(n)s months; then from month to month.",
        terms.term_months,
    )


def _cancelling(speech: Speech, terms: Terms) -> str:
    if terms.cancel_notice_days == 0:
        return speech.say("On any day, here on this page, without notice.")
    return speech.count(
        "On any day, here on this page, with %(n)s day of notice.",
        "On any day, here on this page, with %(n)s days of notice.",
        terms.cancel_notice_days,
    )


def _withdrawal(speech: Speech, terms: Terms) -> str:
    return speech.count(
        "You may withdraw within %(n)s day of joining, without giving a reason.",
        "You may withdraw within %(n)s days of joining, without giving a reason.",
        terms.withdrawal_days,
    )


def _returns(speech: Speech, terms: Terms) -> str:
    if terms.returns_days <= 0:
        return speech.say("This cannot be returned.")
    if terms.returns_sealed_only:
        return speech.count(
            "You may return it within %(n)s day of delivery, as long as the seal is unbroken.",
            "You may return it within %(n)s days of delivery, as long as the seal is unbroken.",
            terms.returns_days,
        )
    return speech.count(
        "You may return it within %(n)s day of delivery, without giving a reason.",
        "You may return it within %(n)s days of delivery, without giving a reason.",
        terms.returns_days,
    )


def _dates(speech: Speech, terms: Terms) -> str:
    if terms.follow is None:
        return speech.say("They stay; no forecast moves them.")
    return speech.say(
        "They follow the forecast, between %(low)s and %(high)s days apart.",
        low=terms.follow.days_min,
        high=terms.follow.days_max,
    )
