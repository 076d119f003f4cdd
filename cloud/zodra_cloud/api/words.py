"""What a problem says to people: a title that never changes, and details in both languages.

The details may be reworded; software goes by the code.
"""

from typing import Final, Literal

Language = Literal["en", "nl"]

TITLES: Final = {
    "not_found": "Not found",
    "method_not_allowed": "Method not allowed",
    "body_too_large": "Body too large",
    "unsupported_media_type": "Unsupported media type",
    "malformed_body": "Malformed body",
    "invalid_request": "Invalid request",
    "token_missing": "Access token missing",
    "token_invalid": "Access token not valid",
    "scope_missing": "Scope missing",
    "foreign_site": "Call from another site",
    "too_many_calls": "Too many calls",
    "too_many_streams": "Too many streams",
    "idempotency_key_missing": "Idempotency-Key missing",
    "idempotency_key_invalid": "Idempotency-Key not valid",
    "idempotency_key_reused": "Idempotency-Key used for another call",
    "call_in_flight": "Call in flight",
    "if_match_missing": "If-Match missing",
    "changed_meanwhile": "Changed in the meantime",
    "may_not_confirm": "Not one of those who may say yes",
    "no_consent": "No consent",
    "quote_expired": "Quote expired",
    "quote_closed": "Quote closed",
    "quote_changed": "Quote changed",
    "wrong_label": "Not the words that the law asks for",
    "already_on_its_way": "Already on its way",
    "question_closed": "Question closed",
    "too_late_to_cancel": "Too late to cancel",
    "nothing_to_answer": "Nothing to answer",
    "slot_rule": "The slot cannot be so",
    "subscription_refused": "The subscription does not allow that",
    "call_off_not_allowed": "No orders without a yes in this market",
    "agreement_refused": "Nothing was agreed",
    "withdrawal_refused": "Not possible to withdraw",
    "fault": "Fault of the service",
}

DETAILS: Final[dict[str, dict[Language, str]]] = {
    "not_found": {
        "en": "There is nothing at this address for your household.",
        "nl": "Op dit adres is er niets voor uw huishouden.",
    },
    "method_not_allowed": {
        "en": "This address does not know that method; the header Allow names those it knows.",
        "nl": "Dit adres kent die methode niet; de header Allow noemt welke het wel kent.",
    },
    "body_too_large": {
        "en": "The body is larger than 65536 bytes. No call needs that much.",
        "nl": "De body is groter dan 65536 bytes. Geen enkele aanroep heeft zoveel nodig.",
    },
    "unsupported_media_type": {
        "en": "Send the body as application/json in UTF-8.",
        "nl": "Stuur de body als application/json in UTF-8.",
    },
    "malformed_body": {
        "en": "The body is no JSON.",
        "nl": "De body is geen JSON.",
    },
    "invalid_request": {
        "en": "Something in the call is not as described; errors names the field and the rule.",
        "nl": "Iets in de aanroep is niet zoals beschreven; errors noemt het veld en de regel.",
    },
    "token_missing": {
        "en": "Send an access token in the header Authorization, after the word Bearer. The "
        "household makes one on its page.",
        "nl": "Stuur een toegangssleutel in de header Authorization, na het woord Bearer. Het "
        "huishouden maakt er een op zijn pagina.",
    },
    "token_invalid": {
        "en": "This access token is unknown, has expired or was revoked. The household makes a "
        "new one on its page.",
        "nl": "Deze toegangssleutel is onbekend, verlopen of ingetrokken. Het huishouden maakt een "
        "nieuwe op zijn pagina.",
    },
    "scope_missing": {
        "en": "This access token may read and nothing else. For this call the household makes "
        "one with the scope act.",
        "nl": "Deze toegangssleutel mag alleen lezen. Voor deze aanroep maakt het huishouden er "
        "een met de bevoegdheid act.",
    },
    "foreign_site": {
        "en": "A page of another site cannot call this. Call it from a program, not a browser.",
        "nl": "Een pagina van een andere site kan dit niet aanroepen. Roep het aan vanuit een "
        "programma, niet vanuit een browser.",
    },
    "too_many_calls": {
        "en": "This access token has made too many calls. Wait as long as Retry-After says.",
        "nl": "Deze toegangssleutel heeft te veel aanroepen gedaan. Wacht zo lang als Retry-After "
        "zegt.",
    },
    "too_many_streams": {
        "en": "This access token has as many open streams as it may. Close one first.",
        "nl": "Deze toegangssleutel heeft al zoveel open stromen als mag. Sluit er eerst een.",
    },
    "idempotency_key_missing": {
        "en": "This call does something, so it needs the header Idempotency-Key: a new random "
        "value for each new wish, and the same value for each repeat of it.",
        "nl": "Deze aanroep doet iets en heeft dus de header Idempotency-Key nodig: een nieuwe "
        "willekeurige waarde voor elke nieuwe wens, dezelfde waarde voor elke herhaling.",
    },
    "idempotency_key_invalid": {
        "en": "An Idempotency-Key is 1 to 255 printable ASCII characters, with or without "
        "double quotes around it.",
        "nl": "Een Idempotency-Key is 1 tot 255 afdrukbare ASCII-tekens, met of zonder dubbele "
        "aanhalingstekens.",
    },
    "idempotency_key_reused": {
        "en": "This Idempotency-Key was used for another call within the last 24 hours. "
        "Nothing was done.",
        "nl": "Deze Idempotency-Key is de afgelopen 24 uur voor een andere aanroep gebruikt. Er is "
        "niets gedaan.",
    },
    "call_in_flight": {
        "en": "The first call with this Idempotency-Key has not been answered yet.",
        "nl": "De eerste aanroep met deze Idempotency-Key is nog niet beantwoord.",
    },
    "if_match_missing": {
        "en": "Send the ETag of what you read in the header If-Match, so that nobody's change is "
        "lost.",
        "nl": "Stuur de ETag van wat u las in de header If-Match, zodat niemands wijziging "
        "verloren gaat.",
    },
    "changed_meanwhile": {
        "en": "It was changed since you read it. Nothing was done.",
        "nl": "Het is gewijzigd sinds u het las. Er is niets gedaan.",
    },
    "may_not_confirm": {
        "en": "Only the people named for this place can say yes here. Nothing was done.",
        "nl": "Alleen de mensen die voor deze plek zijn genoemd, kunnen hier ja zeggen. Er is "
        "niets gedaan.",
    },
    "no_consent": {
        "en": "The household does not allow this. Nothing was ordered.",
        "nl": "Het huishouden staat dit niet toe. Er is niets besteld.",
    },
    "quote_expired": {
        "en": "That price is no longer valid. Nothing was ordered.",
        "nl": "Die prijs geldt niet meer. Er is niets besteld.",
    },
    "quote_closed": {
        "en": "The quote was answered already, or has no price yet. Nothing was ordered.",
        "nl": "De offerte is al beantwoord of heeft nog geen prijs. Er is niets besteld.",
    },
    "quote_changed": {
        "en": "The quote is not what the hash says that the person saw. Nothing was ordered.",
        "nl": "De offerte is niet wat de persoon volgens de hash zag. Er is niets besteld.",
    },
    "wrong_label": {
        "en": "The label has to be the literal words that the quote gives under labels, in the "
        "language you name: they are the proof of a yes that obliges to pay.",
        "nl": "Het label moet letterlijk de woorden zijn die de offerte onder labels geeft, in de "
        "genoemde taal: ze bewijzen een ja dat tot betaling verplicht.",
    },
    "already_on_its_way": {
        "en": "An order for this slot is on its way already. Nothing more was ordered.",
        "nl": "Er is voor deze plek al een bestelling onderweg. Er is niets extra besteld.",
    },
    "question_closed": {
        "en": "The question or quote was answered already, or its time is over.",
        "nl": "De vraag of offerte is al beantwoord, of de tijd ervoor is voorbij.",
    },
    "too_late_to_cancel": {
        "en": "The order is on its way, delivered or ended. A delivery can still be returned.",
        "nl": "De bestelling is onderweg, bezorgd of beëindigd. Een levering kan nog terug.",
    },
    "nothing_to_answer": {
        "en": "Nothing about this order waits for an answer: it has not been delivered, or was "
        "answered, or its time is over.",
        "nl": "Over deze bestelling wacht niets op antwoord: ze is niet bezorgd, al beantwoord, of "
        "de tijd ervoor is voorbij.",
    },
    "slot_rule": {
        "en": "The slot cannot be set so; errors names the field and the rule. Nothing was "
        "changed.",
        "nl": "De plek kan zo niet worden ingesteld; errors noemt het veld en de regel. Er is "
        "niets gewijzigd.",
    },
    "subscription_refused": {
        "en": "The subscription does not allow that now; errors names the rule. Nothing was "
        "changed.",
        "nl": "Het abonnement staat dat nu niet toe; errors noemt de regel. Er is niets gewijzigd.",
    },
    "call_off_not_allowed": {
        "en": "The law of this market, as this service reads it, does not let a press order "
        "without a labelled yes each time. Nothing was agreed.",
        "nl": "Het recht van deze markt, zoals deze dienst het leest, laat een druk op de knop "
        "niet bestellen zonder telkens een gelabeld ja. Er is niets afgesproken.",
    },
    "agreement_refused": {
        "en": "No standing agreement was concluded; errors names the rule.",
        "nl": "Er is geen doorlopende afspraak gemaakt; errors noemt de regel.",
    },
    "withdrawal_refused": {
        "en": "Nothing was withdrawn from; errors names the reason.",
        "nl": "Er is niets herroepen; errors noemt de reden.",
    },
    "fault": {
        "en": "Something is wrong on our side. A call with an Idempotency-Key can be repeated "
        "with the same key.",
        "nl": "Er is iets mis aan onze kant. Een aanroep met een Idempotency-Key kan met dezelfde "
        "sleutel worden herhaald.",
    },
}


def choose(accept_language: str | None) -> Language:
    """Choose the language of the details: Dutch if the caller prefers it, else English.

    Source: RFC 9110, section 12.5.4, of which weights and order are read.
    """
    best: tuple[float, Language] = (0.0, "en")
    for part in (accept_language or "")[:200].split(","):
        tag, _, weight = part.strip().partition(";")
        language = tag.strip().lower().partition("-")[0]
        if language in ("en", "nl") and (quality := _quality(weight)) > best[0]:
            best = (quality, "nl" if language == "nl" else "en")
    return best[1]


def _quality(weight: str) -> float:
    name, _, value = weight.strip().partition("=")
    if name.strip() != "q":
        return 1.0
    try:
        return min(1.0, max(0.0, float(value)))
    except ValueError:
        return 0.0
