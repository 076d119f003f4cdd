"""The words of letters and of the pages about withdrawal, in Dutch and English. Pure.

The texts of the law's own form (annex I(B) of Directive 2011/83) are literal: it asks for that form
and no other. Everything else is ours.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import Final

from babel.dates import format_datetime
from babel.numbers import format_currency, get_currency_precision

_LOCALES: Final = {"nl": "nl_NL", "en": "en_GB"}

_EN: Final[Mapping[str, str]] = {
    # What an order is.
    "order": "Order",
    "shop_number": "Number at the shop",
    "confirmed_at": "Ordered",
    "confirmed_with": "Confirmed with",
    "under_agreement": "Ordered under your standing agreement",
    "product": "Product",
    "quantity": "Quantity",
    "unit_price": "Price each",
    "goods": "Goods",
    "shipping": "Delivery costs",
    "free": "free",
    "vat": "of which VAT",
    "total": "Total, all included",
    "seller": "Seller",
    "trader": "Address of the seller",
    "delivery": "Delivery",
    "between": "%(first)s to %(last)s",
    "proof": "Mark of this contract (SHA-256)",
    "terms": "Terms",
    "terms_at": "Terms of the seller",
    "returns_at": "The seller on returns",
    # The confirmation.
    "confirmation_subject": "Confirmation of your order: %(product)s",
    "confirmation_intro": "Your order has been placed. Keep this letter: it is the confirmation of "
    "your contract, and the document with it holds everything that was agreed.",
    "document_title": "Contract and instructions for withdrawal",
    "document_name": "contract-%(key)s.html",
    "your_order": "Your order",
    "follow": "Follow your order",
    "withdraw_here": "The function for it is on the page of your order",
    # Withdrawal.
    "right": "Right of withdrawal",
    "right_days": "You can withdraw from this contract within %(days)s days, without giving a "
    "reason. The days are counted from the day after the one on which you, or someone you named "
    "who is not the carrier, got the goods. If the last one is a Saturday, a Sunday or a public "
    "holiday, you have until the end of the next working day. You may also withdraw before "
    "anything has been delivered.",
    "right_sealed": "These goods are sealed for health or hygiene. Once the seal is broken after "
    "delivery, you can no longer withdraw from them.",
    "right_none": "These goods can spoil quickly, so there is no right of withdrawal. This was "
    "shown before you ordered.",
    "right_how": "To withdraw, use the function on the page of your order, or tell the seller so "
    "in any clear way, for example by letter or e-mail. You may use the form below, but you do not "
    "have to. It is enough that you say so before the period is over.",
    "right_effect": "You then get back everything you paid, the standard delivery included, "
    "without delay and at the latest 14 days after you said so, by the way you paid, at no cost. "
    "The seller may wait until the goods are back or you have shown that you sent them, whichever "
    "comes first.",
    "right_return": "Send the goods back without delay, at the latest 14 days after you said so. "
    "You pay for sending them back, unless the seller offered to. You only answer for a loss in "
    "value by handling them more than is needed to see what they are and whether they work.",
    "form_title": "Model withdrawal form",
    "form": "(complete and return this form only if you wish to withdraw from the contract)\n\n"
    "— To %(to)s:\n\n"
    "— I/We (*) hereby give notice that I/We (*) withdraw from my/our (*) contract of sale of the "
    "following goods (*)/for the provision of the following service (*),\n\n"
    "— Ordered on (*)/received on (*),\n\n"
    "— Name of consumer(s),\n\n"
    "— Address of consumer(s),\n\n"
    "— Signature of consumer(s) (only if this form is notified on paper),\n\n"
    "— Date\n\n"
    "(*) Delete as appropriate.",
    # Notices.
    "shipped_subject": "On its way: %(product)s",
    "shipped_intro": "The shop has sent your order.",
    "expected": "Expected",
    "carrier": "Carrier",
    "track": "Follow the parcel",
    "late_subject": "Later than promised: %(product)s",
    "late_intro": "Your order comes later than was promised, or has not come in time. You hear it "
    "from us before you have to ask.",
    "promised": "Promised",
    "late_rights": "If it takes too long for you, you can still cancel or withdraw on the page of "
    "your order.",
    "cancelled_subject": "Cancelled: %(product)s",
    "cancelled_intro": "Your order was cancelled. Nothing will be delivered, and what you paid "
    "comes back to you.",
    "refunded_subject": "Money back: %(product)s",
    "refunded_intro": "Money for this order is on its way back to you, by the way you paid.",
    "refunded_so_far": "Given back so far",
    "follow_up_subject": "Was it right? %(product)s",
    "follow_up_intro": "Your order was delivered on %(day)s. Was it right? One tap on the page is "
    "enough, and you are asked this once.",
    "answer_here": "Answer",
    "withdraw_until": "You can withdraw from this order until %(moment)s.",
    # The acknowledgement.
    "withdrawal_subject": "We have received your withdrawal: %(product)s",
    "withdrawal_intro": "This acknowledges that you withdrew from the contract below. Keep this "
    "letter: it says what you declared, and when.",
    "declaration": "Your declaration",
    "declared": "I withdraw from my contract of sale of these goods",
    "declared_at": "Declared",
    "declared_with": "Confirmed with",
    "of": "%(part)s of %(whole)s",
    "refund": "You get back",
    "refund_by": "At the latest",
    "refund_when_back": "as soon as the goods are back, or you have shown that you sent them",
    "send_back": "Send the goods back at the latest on %(day)s. You can say on the page of your "
    "order that you did; the money need not wait for more.",
    "nothing_to_send": "There is nothing to send back. Should a parcel still come, refuse it or "
    "send it back.",
    "sealed_reminder": "These goods go back with an unbroken seal.",
    "at_address": "This acknowledgement goes to %(email)s.",
    "no_address": "We know no e-mail address of yours, so download the acknowledgement on the next "
    "page and keep it.",
    "withdraw_title": "Withdraw from this contract",
    "withdraw_check": "Look at what you withdraw from. It counts from the moment you press the "
    "button below.",
    "how_many": "How many?",
    "open_until": "Possible until %(moment)s.",
    "open_from_delivery": "Possible from now on, and until %(days)s days after the delivery.",
    "withdrawn_title": "You have withdrawn",
    "download": "Download the acknowledgement",
    "back": "Back to your page",
    "sent_back": "I have sent it back",
}

_NL: Final[Mapping[str, str]] = {
    "order": "Bestelling",
    "shop_number": "Nummer bij de winkel",
    "confirmed_at": "Besteld",
    "confirmed_with": "Bevestigd met",
    "under_agreement": "Besteld onder je doorlopende afspraak",
    "product": "Product",
    "quantity": "Aantal",
    "unit_price": "Prijs per stuk",
    "goods": "Artikelen",
    "shipping": "Bezorgkosten",
    "free": "gratis",
    "vat": "waarvan btw",
    "total": "Totaal, alles inbegrepen",
    "seller": "Verkoper",
    "trader": "Adres van de verkoper",
    "delivery": "Levering",
    "between": "%(first)s tot en met %(last)s",
    "proof": "Kenmerk van deze overeenkomst (SHA-256)",
    "terms": "Voorwaarden",
    "terms_at": "Voorwaarden van de verkoper",
    "returns_at": "De verkoper over terugsturen",
    "confirmation_subject": "Bevestiging van je bestelling: %(product)s",
    "confirmation_intro": "Je bestelling is geplaatst. Bewaar deze brief: hij bevestigt je "
    "overeenkomst, en het document erbij bevat alles wat is afgesproken.",
    "document_title": "Overeenkomst en uitleg over herroepen",
    "document_name": "overeenkomst-%(key)s.html",
    "your_order": "Je bestelling",
    "follow": "Volg je bestelling",
    "withdraw_here": "De functie daarvoor staat op de pagina van je bestelling",
    "right": "Herroepingsrecht",
    "right_days": "Je kunt deze overeenkomst binnen %(days)s dagen herroepen, zonder een reden te "
    "geven. De dagen tellen vanaf de dag na die waarop jij, of iemand die jij aanwees en die niet "
    "de vervoerder is, de artikelen kreeg. Is de laatste dag een zaterdag, een zondag of een "
    "feestdag, dan heb je tot het einde van de volgende werkdag. Je mag ook al herroepen voordat "
    "er iets is geleverd.",
    "right_sealed": "Deze artikelen zijn verzegeld om redenen van gezondheid of hygiëne. Is de "
    "verzegeling na levering verbroken, dan kun je niet meer herroepen.",
    "right_none": "Deze artikelen kunnen snel bederven, daarom is er geen herroepingsrecht. Dat "
    "stond er voordat je bestelde.",
    "right_how": "Herroep met de functie op de pagina van je bestelling, of laat het de verkoper "
    "op een andere duidelijke manier weten, bijvoorbeeld per brief of e-mail. Je mag het formulier "
    "hieronder gebruiken, maar het hoeft niet. Het is genoeg dat je het zegt voordat de termijn om "
    "is.",
    "right_effect": "Je krijgt dan alles terug wat je betaalde, ook de gewone bezorgkosten, zonder "
    "uitstel en uiterlijk 14 dagen nadat je het zei, op de manier waarop je betaalde en zonder "
    "kosten. De verkoper mag wachten tot de artikelen terug zijn of tot je hebt laten zien dat je "
    "ze hebt verstuurd, wat het eerst komt.",
    "right_return": "Stuur de artikelen zonder uitstel terug, uiterlijk 14 dagen nadat je het zei. "
    "Het terugsturen betaal je zelf, tenzij de verkoper aanbood dat te doen. Je staat alleen in "
    "voor waardeverlies door er meer mee te doen dan nodig is om te zien wat het is en of het "
    "werkt.",
    "form_title": "Modelformulier voor herroeping",
    "form": "(dit formulier alleen invullen en terugzenden als u de overeenkomst wilt herroepen)\n"
    "\n"
    "— Aan %(to)s:\n\n"
    "— Ik/Wij (*) deel/delen (*) u hierbij mede dat ik/wij (*) onze overeenkomst betreffende de "
    "verkoop van de volgende goederen/levering van de volgende dienst (*) herroep/herroepen (*)\n\n"
    "— Besteld op (*)/Ontvangen op (*)\n\n"
    "— Naam/Namen consument(en)\n\n"
    "— Adres consument(en)\n\n"
    "— Handtekening van consument(en) (alleen wanneer dit formulier op papier wordt ingediend)\n\n"
    "— Datum\n\n"
    "(*) Doorhalen wat niet van toepassing is.",
    "shipped_subject": "Onderweg: %(product)s",
    "shipped_intro": "De winkel heeft je bestelling verstuurd.",
    "expected": "Verwacht",
    "carrier": "Vervoerder",
    "track": "Volg het pakket",
    "late_subject": "Later dan beloofd: %(product)s",
    "late_intro": "Je bestelling komt later dan beloofd, of is niet op tijd gekomen. Je hoort het "
    "van ons voordat je ernaar moet vragen.",
    "promised": "Beloofd",
    "late_rights": "Duurt het je te lang, dan kun je op de pagina van je bestelling nog annuleren "
    "of herroepen.",
    "cancelled_subject": "Geannuleerd: %(product)s",
    "cancelled_intro": "Je bestelling is geannuleerd. Er wordt niets geleverd, en wat je betaalde "
    "komt naar je terug.",
    "refunded_subject": "Geld terug: %(product)s",
    "refunded_intro": "Geld voor deze bestelling komt naar je terug, op de manier waarop je "
    "betaalde.",
    "refunded_so_far": "Tot nu toe teruggegeven",
    "follow_up_subject": "Was het goed? %(product)s",
    "follow_up_intro": "Je bestelling is op %(day)s geleverd. Was het goed? Eén tik op de pagina "
    "is genoeg, en je krijgt deze vraag één keer.",
    "answer_here": "Antwoorden",
    "withdraw_until": "Je kunt deze bestelling herroepen tot %(moment)s.",
    "withdrawal_subject": "We hebben je herroeping ontvangen: %(product)s",
    "withdrawal_intro": "Hiermee bevestigen we dat je de overeenkomst hieronder hebt herroepen. "
    "Bewaar deze brief: er staat in wat je verklaarde, en wanneer.",
    "declaration": "Je verklaring",
    "declared": "Ik herroep mijn overeenkomst over de koop van deze artikelen",
    "declared_at": "Verklaard",
    "declared_with": "Bevestigd met",
    "of": "%(part)s van %(whole)s",
    "refund": "Je krijgt terug",
    "refund_by": "Uiterlijk",
    "refund_when_back": "zodra de artikelen terug zijn, of je hebt laten zien dat je ze verstuurde",
    "send_back": "Stuur de artikelen uiterlijk op %(day)s terug. Op de pagina van je bestelling "
    "kun je zeggen dat je dat deed; het geld hoeft op niets meer te wachten.",
    "nothing_to_send": "Er is niets terug te sturen. Komt er toch nog een pakket, weiger het dan "
    "of stuur het terug.",
    "sealed_reminder": "Deze artikelen gaan terug met een hele verzegeling.",
    "at_address": "Deze bevestiging gaat naar %(email)s.",
    "no_address": "We kennen geen e-mailadres van je, dus download de bevestiging op de volgende "
    "pagina en bewaar die.",
    "withdraw_title": "Deze overeenkomst herroepen",
    "withdraw_check": "Kijk waarvan je afziet. Het telt vanaf het moment dat je op de knop "
    "hieronder drukt.",
    "how_many": "Hoeveel?",
    "open_until": "Mogelijk tot %(moment)s.",
    "open_from_delivery": "Mogelijk vanaf nu, en tot %(days)s dagen na de levering.",
    "withdrawn_title": "Je hebt herroepen",
    "download": "Download de bevestiging",
    "back": "Terug naar je pagina",
    "sent_back": "Ik heb het teruggestuurd",
}

TEXTS: Final[Mapping[str, Mapping[str, str]]] = {"nl": _NL, "en": _EN}


@dataclass(frozen=True, slots=True)
class Wording:
    """One reader: a language, and the time zone of the household."""

    language: str
    zone: tzinfo

    def say(self, name: str, **facts: object) -> str:
        """Give a text by its name, with its facts filled in."""
        text = TEXTS[self.language][name]
        return text % facts if facts else text

    def money(self, minor: int, currency: str) -> str:
        """Write an amount of minor units."""
        amount = minor / 10 ** get_currency_precision(currency)
        return str(format_currency(amount, currency, locale=_LOCALES[self.language]))

    def day(self, at: datetime) -> str:
        """Write weekday and date with its year: a letter is read years later."""
        return self._write(at, "EEEE d MMMM y")

    def moment(self, at: datetime) -> str:
        """Write an instant to the minute, with the zone in which it is meant."""
        return self._write(at, "EEEE d MMMM y HH:mm (zzz)")

    def window(self, first: datetime, last: datetime) -> str:
        """Write the days between which something comes."""
        begins, ends = self.day(first), self.day(last)
        return begins if begins == ends else self.say("between", first=begins, last=ends)

    def _write(self, at: datetime, pattern: str) -> str:
        locale = _LOCALES[self.language]
        return str(format_datetime(at, pattern, tzinfo=self.zone, locale=locale))
