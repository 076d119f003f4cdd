"""The pages on which a household lets a device in, and sees which it let in."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from zodra_cloud.api.service import Scope, Token
from zodra_cloud.dash.models import DeviceModel, DeviceView, ModelSlot, Named, Wanted
from zodra_cloud.web.i18n import Speech, mark


@dataclass(frozen=True, slots=True)
class Choice:
    """One product that can be picked; no SKU stands for none."""

    sku: str
    title: str
    picked: bool


@dataclass(frozen=True, slots=True)
class SlotChoice:
    """One slot with its products."""

    slot_id: str
    field: str
    title: str
    choices: tuple[Choice, ...]


@dataclass(frozen=True, slots=True)
class ConnectPage:
    """The question whether a device may be connected."""

    title: str
    asks: str
    serial: str
    hears: str
    is_test: bool
    action: str
    slots: tuple[SlotChoice, ...]


@dataclass(frozen=True, slots=True)
class ConnectedDevice:
    """A device that is connected."""

    device_id: str
    title: str
    maker: str
    serial: str
    is_test: bool
    slots: tuple[SlotChoice, ...]


@dataclass(frozen=True, slots=True)
class ConnectionsPage:
    """Every device that is connected."""

    devices: tuple[ConnectedDevice, ...]


def field_of(slot_id: str) -> str:
    """Name the form field of a slot."""
    return f"slot-{slot_id}"


def connect_page(
    speech: Speech,
    wanted: Wanted,
    maker: str,
    action: str,
    picked: Mapping[str, str | None] | None,
) -> ConnectPage:
    """Make the question.

    Args:
        speech: how to talk.
        wanted: what the login asks for.
        maker: the name of its maker.
        action: where the answer goes.
        picked: what was picked before; None if the device is new, so that nothing is preset.
    """
    return ConnectPage(
        title=speech.say("Connect %(device)s?", device=wanted.model.name),
        asks=speech.say("%(maker)s asks to connect this device to your home.", maker=maker),
        serial=speech.say("Serial number %(serial)s", serial=wanted.serial),
        hears=speech.say(
            "%(maker)s hears which products you picked, and when an order is placed, sent or"
            " cancelled. It does not hear your name or your address.",
            maker=maker,
        ),
        is_test=wanted.is_test,
        action=action,
        slots=_slots(speech, wanted.model, picked),
    )


def connections_page(speech: Speech, views: list[DeviceView]) -> ConnectionsPage:
    """List what is connected."""
    return ConnectionsPage(tuple(_device(speech, each) for each in views))


def _device(speech: Speech, view: DeviceView) -> ConnectedDevice:
    return ConnectedDevice(
        device_id=view.device.device_id,
        title=view.model.name,
        maker=view.maker,
        serial=speech.say("Serial number %(serial)s", serial=view.device.serial),
        is_test=view.device.is_test,
        slots=_slots(speech, view.model, {slot.spec.slot_id: slot.sku for slot in view.slots}),
    )


def _slots(
    speech: Speech, model: DeviceModel, picked: Mapping[str, str | None] | None
) -> tuple[SlotChoice, ...]:
    return tuple(_slot(speech, spec, picked) for spec in model.slots)


def _slot(speech: Speech, spec: ModelSlot, picked: Mapping[str, str | None] | None) -> SlotChoice:
    now = None if picked is None else picked.get(spec.slot_id)
    products = [
        Choice(each.sku, _named(speech, each.title), each.sku == now) for each in spec.products
    ]
    nothing = Choice("", speech.say("Nothing for now"), picked is not None and now is None)
    return SlotChoice(
        spec.slot_id, field_of(spec.slot_id), _named(speech, spec.title), (*products, nothing)
    )


def _named(speech: Speech, name: Named) -> str:
    return name.nl if speech.language == "nl" else name.en


READS = mark("may read")
ACTS = mark("may read, answer, order and change")


@dataclass(frozen=True, slots=True)
class TokenRow:
    """An access token that opens something."""

    token_id: str
    name: str
    allows: str
    until: str


@dataclass(frozen=True, slots=True)
class TokensPage:
    """The household's access tokens."""

    tokens: tuple[TokenRow, ...]
    secret: str
    """Of the one that was just made; empty otherwise, and never shown again."""


def tokens_page(
    speech: Speech, tokens: Iterable[Token], now: datetime, secret: str = ""
) -> TokensPage:
    """Show the tokens that are live."""
    live = [each for each in tokens if each.revoked_at is None and now < each.expires_at]
    return TokensPage(
        tuple(
            TokenRow(
                token_id=each.token_id,
                name=each.name,
                allows=speech.say(ACTS if Scope.ACT in each.scopes else READS),
                until=speech.say(mark("until %(day)s"), day=speech.short_day(each.expires_at)),
            )
            for each in live
        ),
        secret,
    )
