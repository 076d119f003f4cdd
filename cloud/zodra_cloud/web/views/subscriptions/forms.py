"""The forms of a subscription: what can be changed, with what was typed and what was wrong."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Final

from zodra_cloud.subscriptions.service import Delivery, Every, Item, Status, SubscriptionView
from zodra_cloud.web.i18n import Speech, mark
from zodra_cloud.web.views.pages import Field
from zodra_cloud.web.views.subscriptions import words
from zodra_cloud.web.views.subscriptions.pages import Command, Tried

UNITS: Final[dict[Every, str]] = {
    Every.DAYS: mark("days"),
    Every.WEEKS: mark("weeks"),
    Every.MONTHS: mark("months"),
}
_FIELD_OF: Final[dict[str, str]] = {
    "cadence": "count",
    "ceiling_minor": "ceiling",
    "follow": "days_min",
    "born_on": "born_in",
}
"""Where the room's name of an input is not the form's."""


class Filler:
    """Fills the fields of one form: what was typed if it was sent and not taken."""

    def __init__(self, speech: Speech, command: str, tried: Tried | None) -> None:
        self._speech = speech
        self._command = command
        self._tried = tried if tried is not None and tried.command == command else None
        self._blamed = False

    @property
    def sent(self) -> bool:
        """Whether this form was sent and not taken."""
        return self._tried is not None

    def field(
        self,
        name: str,
        label: str,
        value: str,
        *,
        kind: str = "text",
        mode: str = "",
        unit: str = "",
        hint: str = "",
        required: bool = False,
        choices: tuple[tuple[str, str], ...] = (),
    ) -> Field:
        """Make one field."""
        return Field(
            name,
            label,
            value if self._tried is None else self._tried.typed.get(name, ""),
            ident=f"{self._command}-{name}",
            kind=kind,
            mode=mode,
            unit=unit,
            hint=hint,
            fault=self._blame(name),
            required=required,
            choices=choices,
        )

    def _blame(self, name: str) -> str:
        if self._tried is None:
            return ""
        broken = self._tried.refused.field
        if _FIELD_OF.get(broken, broken) != name:
            return ""
        self._blamed = True
        return words.refusal(self._speech, self._tried.refused)

    def fault(self) -> str:
        """Say what was wrong where none of the fields made so far was to blame."""
        if self._tried is None or self._blamed:
            return ""
        return words.refusal(self._speech, self._tried.refused)


def cadence_fields(speech: Speech, fill: Filler, count: int, every: Every) -> tuple[Field, ...]:
    """Make the two fields of a cadence."""
    return (
        fill.field(
            "count",
            speech.say("Every so many"),
            str(count),
            kind="text",
            mode="numeric",
            required=True,
            hint=speech.say("At least three days, at most a year."),
        ),
        fill.field(
            "every",
            speech.say("Days, weeks or months"),
            every.value,
            choices=tuple((unit.value, speech.say(text)) for unit, text in UNITS.items()),
        ),
    )


def changes(
    speech: Speech,
    view: SubscriptionView,
    others: Iterable[Item],
    ladder_id: str | None,
    tried: Tried | None,
) -> tuple[Command, ...]:
    """Make what can be changed of a subscription that runs.

    Args:
        speech: of the reader.
        view: of the subscription.
        others: what it could be swapped for.
        ladder_id: of the sizes that it could grow along; None if it has no larger one.
        tried: a form that was not taken.
    """
    made = [_pause(speech, tried)] if view.status is Status.ACTIVE else []
    made += [
        _quantity(speech, view, tried),
        _cadence(speech, view, tried),
        _follow(speech, view, tried),
    ]
    for each in (_growth(speech, view, ladder_id, tried), _swap(speech, others, tried)):
        made += [] if each is None else [each]
    return tuple(made)


def _command(
    name: str, title: str, fill: Filler, fields: tuple[Field, ...], button: str, hint: str = ""
) -> Command:
    return Command(name, title, fields, button, hint, fault=fill.fault(), open=fill.sent)


def _pause(speech: Speech, tried: Tried | None) -> Command:
    fill = Filler(speech, "pause", tried)
    hint = speech.say("Leave it empty to pause until you say so.")
    fields = (fill.field("until", speech.say("Until"), "", kind="date", hint=hint),)
    return _command("pause", speech.say("Pause"), fill, fields, speech.say("Pause"))


def resume(speech: Speech, tried: Tried | None) -> Command:
    """Make the way on after a pause."""
    fill = Filler(speech, "resume", tried)
    return _command("resume", speech.say("Go on"), fill, (), speech.say("Go on with deliveries"))


def _quantity(speech: Speech, view: SubscriptionView, tried: Tried | None) -> Command:
    fill = Filler(speech, "quantity", tried)
    value = str(view.item.quantity)
    label = speech.say("How many each time")
    fields = (fill.field("quantity", label, value, mode="numeric", required=True),)
    hint = speech.say("More than was agreed to cost is asked of you first, with its price.")
    title = speech.say("Another number")
    return _command("quantity", title, fill, fields, speech.say("Change the number"), hint)


def _cadence(speech: Speech, view: SubscriptionView, tried: Tried | None) -> Command:
    fill = Filler(speech, "cadence", tried)
    fields = cadence_fields(speech, fill, view.cadence.count, view.cadence.every)
    title = speech.say("More or less often")
    return _command("cadence", title, fill, fields, speech.say("Change how often"))


def _follow(speech: Speech, view: SubscriptionView, tried: Tried | None) -> Command:
    fill = Filler(speech, "follow", tried)
    days = round(view.cadence.days)
    low = max(3, days // 2) if view.follow is None else view.follow.days_min
    high = min(366, days * 2) if view.follow is None else view.follow.days_max
    fields = (
        fill.field(
            "follow",
            speech.say("Let the dates follow the forecast"),
            "" if view.follow is None else "yes",
            kind="check",
        ),
        fill.field("days_min", speech.say("At least days apart"), str(low), mode="numeric"),
        fill.field("days_max", speech.say("At most days apart"), str(high), mode="numeric"),
    )
    hint = speech.say("It changes slowly, only within these bounds, and always says why.")
    title = speech.say("Follow how fast you use it")
    return _command("follow", title, fill, fields, speech.say("Keep this"), hint)


def _growth(
    speech: Speech, view: SubscriptionView, ladder_id: str | None, tried: Tried | None
) -> Command | None:
    known = view.growth.ladder_id if view.growth is not None else ladder_id
    if known is None:
        return None
    fill = Filler(speech, "growth", tried)
    born_on = None if view.growth is None else view.growth.born_on
    fields = (
        fill.field(
            "grow",
            speech.say("Propose a larger size when it may fit better"),
            "" if view.growth is None else "yes",
            kind="check",
        ),
        fill.field(
            "born_in",
            speech.say("Month of birth"),
            "" if born_on is None else f"{born_on:%Y-%m}",
            kind="month",
            hint=speech.say(
                "For example 2026-05; no day is asked or kept. Leave it empty to go only by how"
                " fast you use them."
            ),
        ),
    )
    made = _command(
        "growth",
        speech.say("Grow along"),
        fill,
        fields,
        speech.say("Keep this"),
        speech.say("A larger size is only proposed. Nothing changes until you say so."),
    )
    return replace(made, hidden=(("ladder_id", known),))


def _swap(speech: Speech, others: Iterable[Item], tried: Tried | None) -> Command | None:
    choices = tuple((each.sku, each.title(speech.language)) for each in others)
    if not choices:
        return None
    fill = Filler(speech, "swap", tried)
    label = speech.say("Something you had before")
    fields = (fill.field("sku", label, choices[0][0], choices=choices),)
    hint = speech.say("From the next delivery that was not announced yet.")
    title = speech.say("Another product")
    return _command("swap", title, fill, fields, speech.say("Swap"), hint)


def move(speech: Speech, delivery: Delivery, tried: Tried | None) -> Command | None:
    """Make the form that moves one delivery; None where it is too far ahead to be moved."""
    if not delivery.may_move:
        return None
    name = f"move-{delivery.cycle}"
    fill = Filler(speech, name, tried)
    day = delivery.on.isoformat()
    fields = (
        fill.field("on", speech.say("New day"), day, kind="date", required=True),
        fill.field("following", speech.say("Move the following ones along"), "", kind="check"),
    )
    title = speech.say("Another day")
    made = _command("move", title, fill, fields, speech.say("Move it"))
    return Command(
        "move",
        made.title,
        made.fields,
        made.button,
        fault=made.fault,
        open=made.open,
        hidden=(("cycle", str(delivery.cycle)),),
    )


def start_fields(
    speech: Speech, quantity: int, currency: str, tried: Tried | None
) -> tuple[tuple[Field, ...], str]:
    """Make the form that asks for terms; gives its fields and what no field is to blame for."""
    fill = Filler(speech, "start", tried)
    label = speech.say("How many each time")
    fields = (
        *cadence_fields(speech, fill, 4, Every.WEEKS),
        fill.field("quantity", label, str(quantity), mode="numeric", required=True),
        fill.field(
            "first_on",
            speech.say("First delivery ordered on"),
            "",
            kind="date",
            hint=speech.say("Leave it empty for as soon as it can be announced."),
        ),
        fill.field(
            "ceiling",
            speech.say("The most one delivery may cost without asking"),
            "",
            mode="decimal",
            unit=currency,
            hint=speech.say("Leave it empty: then a higher price is always asked."),
        ),
        fill.field(
            "follow",
            speech.say("Let the dates follow the forecast"),
            "",
            kind="check",
            hint=speech.say("Between half and twice as often. It always says why."),
        ),
    )
    return fields, fill.fault()
