"""The words of letters about subscriptions, in Dutch and English. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Final

from babel.dates import format_date
from babel.numbers import format_currency, get_currency_precision

_LOCALES: Final = {"nl": "nl_NL", "en": "en_GB"}

_EN: Final[Mapping[str, str]] = {
    "product": "Product",
    "quantity": "Quantity",
    "charged_on": "Charged and ordered",
    "price_now": "The shop asks today, all included",
    "price_most": "At most, without asking you",
    "how_often": "How often",
    "days": "every %(count)s days",
    "weeks": "every %(count)s weeks",
    "months": "every %(count)s months",
    "page": "Your subscriptions",
    "until_then": "Until then you can skip this delivery, move it, or change or cancel the "
    "subscription on the page of your subscriptions.",
    "pre_notice_sent": "Your next delivery: %(product)s on %(on)s",
    "pre_notice_sent_text": "On %(on)s we order your next delivery, and it is charged.",
    "above_rule": "The shop asks more than you agreed to. It is not ordered until you have seen "
    "the price and confirmed it.",
    "joined": "Your subscription: %(product)s",
    "joined_text": "You have joined this subscription. Keep this letter. Before each charge you "
    "are told. You can cancel on the page on which you joined; it ends on the day named there. "
    "Within %(withdrawal_days)s days you can withdraw from the subscription without a reason.",
    "first_on": "First delivery",
    "proof": "Mark of what you agreed to (SHA-256)",
    "confirmed_with": "Confirmed with",
    "cycle_asked": "Please look at your delivery: %(product)s",
    "cycle_asked_text": "Your delivery of %(on)s is not ordered yet: its price, or something "
    "else, is not as agreed. Look at the quote and confirm it, or let it go.",
    "cycle_held": "Your delivery waits: %(product)s",
    "cycle_held_text": "Something else is on its way for the same place, so your delivery of "
    "%(on)s waits for that. It is not charged twice.",
    "cycle_pulled_forward": "Your own order counts as your delivery: %(product)s",
    "cycle_pulled_forward_text": "You ordered shortly before your delivery of %(on)s. Your order "
    "comes in its place; it is not charged again.",
    "cycle_restored": "Your delivery comes as planned: %(product)s",
    "cycle_restored_text": "The order that came in place of your delivery of %(on)s was not made, "
    "so the delivery is.",
    "cycle_failed": "Your delivery was not made: %(product)s",
    "cycle_failed_text": "Your delivery of %(on)s was not made: %(reason)s. The deliveries after "
    "it keep their dates.",
    "cycle_passed": "A delivery was left out: %(product)s",
    "cycle_passed_text": "Your delivery of %(on)s was left out: %(reason)s.",
    "cadence_changed": "Another rhythm: %(product)s",
    "cadence_changed_text": "Your deliveries come %(every)s from now on.",
    "used_slower": "You seem to use it more slowly: what you have lasts about %(days)s days more.",
    "used_faster": "You seem to use it faster: what you have lasts about %(days)s days more.",
    "resumed": "Your deliveries go on: %(product)s",
    "resumed_text": "Your subscription goes on; the next delivery is on %(on)s.",
    "size_proposed": "A larger size? %(product)s",
    "size_proposed_text": "Perhaps size %(size)s fits better by now. Nothing changes until you "
    "say so on the page of your subscriptions.",
    "price_accepted": "Another price: %(product)s",
    "price_accepted_text": "You agreed to another price for your deliveries. Keep this letter.",
    "cancelled": "Your subscription was cancelled: %(product)s",
    "cancelled_text": "Your subscription was cancelled. From %(on)s there is none any more, and "
    "nothing is charged. Keep this letter.",
    "withdrawn": "You have withdrawn from your subscription: %(product)s",
    "withdrawn_text": "You have withdrawn from your subscription; it has ended. Keep this letter.",
    "ended": "Your subscription has ended: %(product)s",
    "ended_text": "Your subscription has ended. Nothing more is delivered or charged.",
    "out_of_stock": "the shop is sold out",
    "unknown_item": "the shop no longer sells it",
    "shop_unavailable": "the shop could not be reached",
    "declined": "you let the quote go",
    "quote_expired": "the quote was not confirmed in time",
    "payment_declined": "the payment was declined",
    "payment_not_completed": "the payment was not approved in time",
    "no_consent": "you do not allow us to order for you",
    "already_on_its_way": "another order was on its way already",
    "held": "another order was on its way for too long",
    "skipped": "as you wished",
    "missed": "we could not make it in time, which we are sorry for",
    "other": "the shop did not take the order",
}

_NL: Final[Mapping[str, str]] = {
    "product": "Product",
    "quantity": "Aantal",
    "charged_on": "Afgeschreven en besteld",
    "price_now": "De winkel vraagt vandaag, alles inbegrepen",
    "price_most": "Ten hoogste, zonder het te vragen",
    "how_often": "Hoe vaak",
    "days": "elke %(count)s dagen",
    "weeks": "elke %(count)s weken",
    "months": "elke %(count)s maanden",
    "page": "Uw abonnementen",
    "until_then": "Tot dan kunt u deze levering overslaan of verzetten, of het abonnement wijzigen "
    "of opzeggen op de pagina van uw abonnementen.",
    "pre_notice_sent": "Uw volgende levering: %(product)s op %(on)s",
    "pre_notice_sent_text": "Op %(on)s bestellen we uw volgende levering en schrijven we haar af.",
    "above_rule": "De winkel vraagt meer dan u hebt afgesproken. Er wordt niet besteld voordat u "
    "de prijs hebt gezien en bevestigd.",
    "joined": "Uw abonnement: %(product)s",
    "joined_text": "U hebt dit abonnement afgesloten. Bewaar deze brief. Voor elke afschrijving "
    "krijgt u bericht. Opzeggen kan op de pagina waar u het afsloot; daar staat per wanneer. "
    "Binnen %(withdrawal_days)s dagen kunt u het abonnement zonder reden herroepen.",
    "first_on": "Eerste levering",
    "proof": "Kenmerk van wat u afsprak (SHA-256)",
    "confirmed_with": "Bevestigd met",
    "cycle_asked": "Kijk naar uw levering: %(product)s",
    "cycle_asked_text": "Uw levering van %(on)s is nog niet besteld: de prijs, of iets anders, is "
    "niet zoals afgesproken. Bekijk de offerte en bevestig haar, of laat haar gaan.",
    "cycle_held": "Uw levering wacht: %(product)s",
    "cycle_held_text": "Er is iets anders onderweg voor dezelfde plek, dus uw levering van %(on)s "
    "wacht daarop. U betaalt niet dubbel.",
    "cycle_pulled_forward": "Uw eigen bestelling geldt als uw levering: %(product)s",
    "cycle_pulled_forward_text": "U bestelde kort voor uw levering van %(on)s. Uw bestelling komt "
    "ervoor in de plaats; er wordt niet nog eens afgeschreven.",
    "cycle_restored": "Uw levering komt zoals gepland: %(product)s",
    "cycle_restored_text": "De bestelling in plaats van uw levering van %(on)s ging niet door, dus "
    "de levering wel.",
    "cycle_failed": "Uw levering ging niet door: %(product)s",
    "cycle_failed_text": "Uw levering van %(on)s ging niet door: %(reason)s. De leveringen daarna "
    "houden hun datum.",
    "cycle_passed": "Een levering is overgeslagen: %(product)s",
    "cycle_passed_text": "Uw levering van %(on)s is overgeslagen: %(reason)s.",
    "cadence_changed": "Een ander ritme: %(product)s",
    "cadence_changed_text": "Uw leveringen komen voortaan %(every)s.",
    "used_slower": "U lijkt het langzamer te gebruiken: wat u hebt is over ongeveer %(days)s dagen "
    "op.",
    "used_faster": "U lijkt het sneller te gebruiken: wat u hebt is over ongeveer %(days)s dagen "
    "op.",
    "resumed": "Uw leveringen gaan door: %(product)s",
    "resumed_text": "Uw abonnement gaat door; de volgende levering is op %(on)s.",
    "size_proposed": "Een grotere maat? %(product)s",
    "size_proposed_text": "Misschien past maat %(size)s nu beter. Er verandert niets totdat u het "
    "zegt op de pagina van uw abonnementen.",
    "price_accepted": "Een andere prijs: %(product)s",
    "price_accepted_text": "U ging akkoord met een andere prijs voor uw leveringen. Bewaar deze "
    "brief.",
    "cancelled": "Uw abonnement is opgezegd: %(product)s",
    "cancelled_text": "Uw abonnement is opgezegd. Vanaf %(on)s is het er niet meer en wordt er "
    "niets meer afgeschreven. Bewaar deze brief.",
    "withdrawn": "U hebt uw abonnement herroepen: %(product)s",
    "withdrawn_text": "U hebt uw abonnement herroepen; het is geëindigd. Bewaar deze brief.",
    "ended": "Uw abonnement is geëindigd: %(product)s",
    "ended_text": "Uw abonnement is geëindigd. Er wordt niets meer geleverd of afgeschreven.",
    "out_of_stock": "de winkel is uitverkocht",
    "unknown_item": "de winkel verkoopt het niet meer",
    "shop_unavailable": "de winkel was niet bereikbaar",
    "declined": "u liet de offerte gaan",
    "quote_expired": "de offerte is niet op tijd bevestigd",
    "payment_declined": "de betaling is geweigerd",
    "payment_not_completed": "de betaling is niet op tijd goedgekeurd",
    "no_consent": "u staat ons niet toe voor u te bestellen",
    "already_on_its_way": "er was al een andere bestelling onderweg",
    "held": "een andere bestelling was te lang onderweg",
    "skipped": "zoals u wilde",
    "missed": "het lukte ons niet op tijd, en dat spijt ons",
    "other": "de winkel nam de bestelling niet aan",
}

TEXTS: Final = {"en": _EN, "nl": _NL}


@dataclass(frozen=True, slots=True)
class Words:
    """One reader's language."""

    language: str

    def say(self, name: str, **facts: object) -> str:
        """Give a text by its name, with its facts filled in."""
        text = TEXTS[self.language][name]
        return text % facts if facts else text

    def reason(self, name: str) -> str:
        """Give why a delivery was not made; what has no words of its own, in general."""
        known = TEXTS[self.language]
        return known[name] if name in known else known["other"]

    def day(self, on: date) -> str:
        """Write weekday and date with its year: a letter is read years later."""
        return str(format_date(on, "EEEE d MMMM y", locale=_LOCALES[self.language]))

    def money(self, minor: int, currency: str) -> str:
        """Write an amount of minor units."""
        amount = minor / 10 ** get_currency_precision(currency)
        return str(format_currency(amount, currency, locale=_LOCALES[self.language]))
