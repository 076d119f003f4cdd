"""Page models with realistic content, one a situation, in both languages."""

from dataclasses import replace
from datetime import datetime, timedelta

from zodra_cloud.web.i18n import Language
from zodra_cloud.web.views import pages as v

NOW = datetime.fromisoformat("2026-11-22T14:20:00+01:00")


def at(text: str, minutes: int = 0) -> v.Moment:
    return v.Moment(text, (NOW - timedelta(minutes=minutes)).isoformat())


class Texts:
    """The same situation in two languages."""

    def __init__(self, language: Language) -> None:
        self.nl = language == "nl"

    def __call__(self, english: str, dutch: str) -> str:
        return dutch if self.nl else english

    def money(self, amount: str) -> str:
        return "€ " + amount.replace(".", ",") if self.nl else "€" + amount


def devices(t: Texts) -> tuple[v.DeviceCard, ...]:
    well = v.Chip(t("in touch", "in contact"), v.Tone.GOOD)
    quiet = v.Chip(t("quiet for 3 hours", "stil sinds 3 uur"), v.Tone.WAIT)
    return (
        v.DeviceCard(
            "btn-kitchen",
            t("Kitchen button", "Knop in de keuken"),
            "button",
            t("For paper towels, 6 rolls", "Voor keukenrol, 6 rollen"),
            well,
            at(t("2 minutes ago", "2 minuten geleden"), 2),
            "87%",
            False,
        ),
        v.DeviceCard(
            "strap-chest",
            t("Chest strap", "Borstband"),
            "wearable",
            t("For the strap itself", "Voor de band zelf"),
            quiet,
            at(t("3 hours ago", "3 uur geleden"), 180),
            "12%",
            True,
        ),
        v.DeviceCard(
            "trv-living",
            t("Radiator in the living room", "Radiator in de woonkamer"),
            "thermostat",
            t("For the heating filter", "Voor het filter"),
            well,
            at(t("just now", "zojuist")),
            "64%",
            False,
        ),
        v.DeviceCard(
            "baby-nursery",
            t("Baby monitor", "Babyfoon"),
            "baby_monitor",
            t("For diapers, size 3", "Voor luiers, maat 3"),
            well,
            at(t("40 seconds ago", "40 seconden geleden")),
            "",
            False,
        ),
    )


def consents(t: Texts) -> tuple[v.ConsentRow, ...]:
    since = t("On since Sunday 22 November", "Aan sinds zondag 22 november")
    return (
        v.ConsentRow(
            "replenish",
            t("Ask me to reorder", "Vraag mij om bij te bestellen"),
            t(
                "A press or an empty shelf becomes a priced question. Nothing is ordered without your yes.",
                "Een druk op de knop of een lege plank wordt een vraag met een prijs. Zonder jouw ja wordt niets besteld.",
            ),
            True,
            since,
        ),
        v.ConsentRow(
            "offers",
            t("Offers that fit the moment", "Aanbiedingen die bij het moment passen"),
            t(
                "At most one a day, never at night, always with the reason.",
                "Hooguit één per dag, nooit 's nachts, altijd met de reden.",
            ),
            True,
            since,
        ),
        v.ConsentRow(
            "diagnostics",
            t("Help us find faults", "Help ons fouten te vinden"),
            t(
                "Technical figures of your gateway, without anything about people.",
                "Technische cijfers van je gateway, niets over mensen.",
            ),
            False,
            t("Off", "Uit"),
        ),
    )


def quote(t: Texts) -> v.QuoteCard:
    return v.QuoteCard(
        "q1",
        "a" * 64,
        t(
            "The kitchen button was pressed today at 14:17.",
            "De knop in de keuken is vandaag om 14:17 ingedrukt.",
        ),
        t("Paper towels, 6 rolls", "Keukenrol, 6 rollen"),
        "1",
        t.money("7.49"),
        t.money("2.95"),
        t("includes €1.81 VAT", "inclusief € 1,81 btw"),
        t.money("10.44"),
        t("Tuesday 24 – Wednesday 25 November", "dinsdag 24 – woensdag 25 november"),
        "Corner Shop B.V.",
        t(
            "You may return it within 14 days of delivery.",
            "Je mag het binnen 14 dagen na levering terugsturen.",
        ),
        v.Moment(
            t("This price holds until 14:32.", "Deze prijs geldt tot 14:32."),
            (NOW + timedelta(minutes=12)).isoformat(),
        ),
        t("12 minutes left", "nog 12 minuten"),
        "",
    )


def question(t: Texts, waits: bool) -> v.QuestionCard:
    return v.QuestionCard(
        "q3" if waits else "q2",
        t("Paper towels, 6 rolls", "Keukenrol, 6 rollen"),
        t(
            "Kitchen button: pressed, Sat 21 Nov 09:12.",
            "Knop in de keuken: ingedrukt, za 21 nov 09:12.",
        ),
        ""
        if waits
        else t(
            "The need is older than we trust, so we ask first whether it is still there.",
            "De behoefte is ouder dan we vertrouwen, dus we vragen eerst of die er nog is.",
        ),
        waits,
    )


def order(t: Texts, reached: int) -> v.OrderCard:
    names = (
        t("Ordered", "Besteld"),
        t("Shipped", "Verzonden"),
        t("Delivered", "Bezorgd"),
    )
    when = ("14:21", t("Mon 09:10", "ma 09:10"), t("Tue 11:42", "di 11:42"))
    steps = tuple(
        v.Step(
            name,
            "done" if i < reached or reached == 2 else "now" if i == reached else "next",
            "",
            when[i] if i <= reached else "",
        )
        for i, name in enumerate(names)
    )
    states = (
        v.Chip(t("ordered", "besteld"), v.Tone.BUSY),
        v.Chip(t("under way", "onderweg"), v.Tone.BUSY),
        v.Chip(t("delivered", "bezorgd"), v.Tone.GOOD),
    )
    return v.OrderCard(
        f"o{reached}",
        (
            t("Your order is with the shop", "Je bestelling is bij de winkel"),
            t("Your order is under way", "Je bestelling is onderweg"),
            t("Delivered", "Bezorgd"),
        )[reached],
        t("Paper towels, 6 rolls", "Keukenrol, 6 rollen"),
        t.money("10.44"),
        "Corner Shop B.V.",
        t("Reference 2026-000417", "Kenmerk 2026-000417"),
        states[reached],
        steps,
        "",
    )


def offer(t: Texts) -> v.OfferCard:
    return v.OfferCard(
        "f1",
        t("A fresh heating filter", "Een schoon filter voor je verwarming"),
        t(
            "Your living room heating has run 1,500 hours since the last filter.",
            "De verwarming in de woonkamer heeft 1.500 uur gedraaid sinds het vorige filter.",
        ),
        t("From €12.95 including VAT", "Vanaf € 12,95 inclusief btw"),
    )


def line(t: Texts, key: str, family: str, texts: tuple[str, str], state: v.Chip) -> v.TimelineLine:
    return v.TimelineLine(
        key,
        family,
        texts[0],
        texts[1],
        at(t("today 14:17", "vandaag 14:17"), 3),
        state,
        f"/needs/{key}/why",
    )


def lines(t: Texts) -> tuple[v.TimelineLine, ...]:
    return (
        line(
            t,
            "p_1",
            "button",
            (
                t("Kitchen button pressed", "Knop in de keuken ingedrukt"),
                t("A quote waits for your answer.", "Een prijsopgave wacht op je antwoord."),
            ),
            v.Chip(t("asked", "gevraagd"), v.Tone.WAIT),
        ),
        line(
            t,
            "p_2",
            "baby_monitor",
            (
                t("Diapers run low in the nursery", "De luiers in de babykamer raken op"),
                t("Ordered for €24.90.", "Besteld voor € 24,90."),
            ),
            v.Chip(t("under way", "onderweg"), v.Tone.BUSY),
        ),
        line(
            t,
            "p_3",
            "button",
            (
                t("Kitchen button pressed again", "Knop in de keuken nog eens ingedrukt"),
                t(
                    "It was already on its way, so nothing was ordered.",
                    "Het was al onderweg, dus er is niets besteld.",
                ),
            ),
            v.Chip(t("already on its way", "al onderweg"), v.Tone.QUIET),
        ),
        line(
            t,
            "p_4",
            "thermostat",
            (
                t("Heating filter is due", "Het filter is aan vervanging toe"),
                t("No consent for offers.", "Geen toestemming voor aanbiedingen."),
            ),
            v.Chip(t("refused", "geweigerd"), v.Tone.BAD),
        ),
        line(
            t,
            "p_5",
            "button",
            (
                t("Kitchen button pressed", "Knop in de keuken ingedrukt"),
                t("Delivered on Thursday 12 November.", "Bezorgd op donderdag 12 november."),
            ),
            v.Chip(t("delivered", "bezorgd"), v.Tone.GOOD),
        ),
    )


def household(situation: str, language: Language) -> v.HouseholdPage:
    t = Texts(language)
    calm = v.HouseholdPage(
        t("Good afternoon", "Goedemiddag"),
        t("Everything is looked after.", "Overal is voor gezorgd."),
        (),
        (),
        (),
        None,
        devices(t),
        lines(t)[2:],
        True,
        consents(t),
        "",
    )
    if situation == "empty":
        return replace(
            calm,
            devices=(),
            lines=(),
            more=False,
            consents=consents(t),
            summary=t("Welcome.", "Welkom."),
        )
    if situation == "quote":
        return replace(
            calm,
            quotes=(quote(t),),
            lines=lines(t),
            summary=t("One question waits for your answer.", "Eén vraag wacht op je antwoord."),
        )
    if situation == "ordered":
        return replace(
            calm,
            orders=(order(t, 0),),
            summary=t("One order is under way.", "Er is één bestelling onderweg."),
        )
    if situation == "shipped":
        return replace(
            calm,
            quotes=(
                replace(
                    quote(t),
                    remark=t(
                        "The press is 3 hours old, so we ask first whether it is still needed.",
                        "De druk op de knop is 3 uur oud, dus we vragen eerst of het nog nodig is.",
                    ),
                ),
            ),
            orders=(order(t, 1),),
            summary=t("One order is under way.", "Er is één bestelling onderweg."),
        )
    if situation == "delivered":
        return replace(calm, orders=(order(t, 2),))
    if situation == "question":
        return replace(calm, questions=(question(t, False), question(t, True)))
    if situation == "offer":
        return replace(calm, offer=offer(t))
    return calm


def operator(language: Language) -> v.OperatorPage:
    t = Texts(language)

    def gateway(name: str, chip: v.Chip, sentence: str, depth: int, oldest: str) -> v.GatewayRow:
        return v.GatewayRow(
            name,
            "hh-demo",
            chip,
            sentence,
            at(t("12 seconds ago", "12 seconden geleden")),
            oldest,
            depth,
            depth * 41,
            0,
            (
                v.Fact(t("unknown device", "onbekend apparaat"), "14"),
                v.Fact(t("replay", "herhaling"), "2"),
            ),
            (
                t(
                    "hci0: 212 adverts a minute, the last 1 second ago",
                    "hci0: 212 berichten per minuut, het laatste 1 seconde geleden",
                ),
            ),
            (v.Fact("btn-kitchen", t("Kitchen button", "Knop in de keuken")),),
        )

    parts = (("ordered", 6), ("asked", 2), ("refused", 3), ("expired", 1), ("pending", 0))
    names = {
        "ordered": t("ordered", "besteld"),
        "asked": t("asked", "gevraagd"),
        "refused": t("refused", "geweigerd"),
        "expired": t("expired", "verlopen"),
        "pending": t("pending", "in behandeling"),
    }
    x, bar = 0, []
    for kind, n in parts:
        width = n * 1000 // 12
        bar.append(v.BarPart(kind, names[kind], n, x, width))
        x += width
    return v.OperatorPage(
        t("One gateway needs a look", "Eén gateway vraagt aandacht"),
        v.Tone.WAIT,
        v.Fact(
            t("Oldest need-moment without receipt", "Oudste behoefte zonder ontvangstbewijs"),
            t("4 minutes", "4 minuten"),
        ),
        (
            v.Fact("Gateways", "2"),
            v.Fact(t("Refused rows", "Geweigerde rijen"), "5"),
            v.Fact(t("Stuck jobs", "Vastgelopen taken"), "1"),
        ),
        (
            gateway(
                "gw-demo",
                v.Chip(t("online", "online"), v.Tone.GOOD),
                t(
                    "Heard 12 seconds ago; silent after 150 seconds.",
                    "12 seconden geleden gehoord; stil na 150 seconden.",
                ),
                0,
                t("none", "geen"),
            ),
            gateway(
                "gw-cellar",
                v.Chip(t("behind", "loopt achter"), v.Tone.WAIT),
                t(
                    "Its oldest need-moment waits 4 minutes; the limit is 1 minute.",
                    "De oudste behoefte wacht al 4 minuten; de grens is 1 minuut.",
                ),
                3,
                t("4 minutes", "4 minuten"),
            ),
        ),
        (
            v.BalanceRow(
                "hh-demo",
                12,
                "12 = 6 + 2 + 3 + 1 + 0",
                True,
                t("adds up", "klopt"),
                tuple(bar),
                "12 = 6 + 2 + 3 + 1 + 0",
            ),
        ),
        (
            v.Fact(t("unknown device", "onbekend apparaat"), "4"),
            v.Fact(t("wrong gateway", "verkeerde gateway"), "1"),
        ),
        (
            v.JobRow(
                t("Place the order", "Bestelling plaatsen"),
                "hh-demo",
                12,
                at(t("1 hour ago", "1 uur geleden"), 60),
                "ShopUnavailable: connect timeout after 10 s",
            ),
        ),
        "",
    )
