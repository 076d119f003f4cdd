"""The live account: what the parts log, as sentences and as the steps of each need. Pure."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

from zodra_sim.demo.parts import BROKER, CLOUD, EDGE, HOME_BROKER, HOUSEHOLD
from zodra_sim.demo.telling.words import figure, sentence, thing


class Step(StrEnum):
    """The steps of a need, in their order."""

    PRESSED = "pressed"
    HEARD = "heard"
    KEPT = "kept"
    RECEIVED = "received"
    QUOTED = "quoted"
    CONFIRMED = "confirmed"
    PLACED = "placed"


@dataclass(frozen=True, slots=True)
class LogLine:
    """One event of one part."""

    part: str
    event: str
    at: datetime
    fields: Mapping[str, Any]

    def text(self, name: str) -> str:
        """Give one field as text, empty if it is not there."""
        value = self.fields.get(name)
        return "" if value is None else str(value)


@dataclass(frozen=True, slots=True)
class Said:
    """One sentence of the account."""

    at: datetime
    part: str
    text: str


@dataclass(slots=True)
class Need:
    """What was heard of one need, over all parts."""

    signal_id: str
    device_id: str = ""
    kind: str = ""
    sku: str = ""
    quote_id: str = ""
    state: str = ""
    reason: str = ""
    steps: dict[Step, datetime] = field(default_factory=dict)

    def reach(self, step: Step, at: datetime) -> None:
        """Note the first time that a step was reached; later repeats are repeats."""
        self.steps.setdefault(step, at)


@dataclass(slots=True)
class Ledger:
    """All needs of this run, in the order in which the gateway kept them."""

    needs: dict[str, Need] = field(default_factory=dict)

    def need(self, signal_id: str) -> Need:
        """Find a need, or begin it."""
        return self.needs.setdefault(signal_id, Need(signal_id))

    def note(self, line: LogLine) -> None:
        """Take from one log line what it says about a need."""
        if not (signal_id := line.text("signal_id")):
            return
        need = self.need(signal_id)
        need.device_id = line.text("device_id") or need.device_id
        need.kind = line.text("kind") or need.kind
        need.sku = line.text("sku") or need.sku
        need.quote_id = line.text("quote_id") or need.quote_id
        if (line.part, line.event) == (EDGE, "need_kept"):
            heard = line.text("occurred_at")
            need.reach(Step.HEARD, datetime.fromisoformat(heard) if heard else line.at)
        if (step := _STEPS.get((line.part, line.event, line.text("state")))) is not None:
            need.reach(step, line.at)
        if (line.part, line.event) == (CLOUD, "need_moved"):
            need.state = line.text("state") or need.state
            need.reason = line.text("reason")


_STEPS: Final[Mapping[tuple[str, str, str], Step]] = {
    (EDGE, "need_kept", ""): Step.KEPT,
    (CLOUD, "need_received", ""): Step.RECEIVED,
    (CLOUD, "quote_moved", "open"): Step.QUOTED,
    (CLOUD, "quote_moved", "confirmed"): Step.CONFIRMED,
    (CLOUD, "order_moved", "placed"): Step.PLACED,
}
"""By part, event and state."""


class Account:
    """Turns log lines into sentences, and keeps the ledger of needs."""

    def __init__(self, language: str) -> None:
        self.ledger = Ledger()
        self._language = language

    def hear(self, line: LogLine) -> Said | None:
        """Take one log line; give the sentence it is worth, if any."""
        self.ledger.note(line)
        if (teller := _TELLERS.get((line.part, line.event))) is None:
            return None
        if (told := teller(self, line)) is None:
            return None
        key, fields = told
        return Said(line.at, line.part, sentence(self._language, key, **fields))

    def thing(self, name: str) -> str:
        """Name a device, a product or a part."""
        return thing(self._language, name)

    def device(self, line: LogLine) -> dict[str, object]:
        """Name the device of a line, from the line or from what is known of its need."""
        name = line.text("device_id")
        if not name and (signal_id := line.text("signal_id")):
            name = self.ledger.need(signal_id).device_id
        return {"device": self.thing(name)}

    def money(self, minor: object, currency: str) -> str:
        """Write an amount; the demo's shop sells in euros, which have two decimals."""
        if not isinstance(minor, int):
            return "?"
        amount = figure(self._language, f"{minor // 100}.{minor % 100:02d}")
        return f"{'€' if currency == 'EUR' else currency} {amount}"


_Told = tuple[str, dict[str, object]] | None
_Teller = Callable[[Account, LogLine], _Told]


def _plain(key: str) -> _Teller:
    return lambda account, line: (key, account.device(line))


def _with_reason(key: str) -> _Teller:
    return lambda account, line: (
        key,
        account.device(line)
        | {"reason": account.thing(line.text("reason")), "part": account.thing(line.part)},
    )


def _kept(account: Account, line: LogLine) -> _Told:
    return "kept", account.device(line) | {"kind": account.thing(line.text("kind"))}


def _quoted(account: Account, line: LogLine) -> _Told:
    total = account.money(line.fields.get("total_minor"), line.text("currency"))
    return "quoted", {"item": account.thing(line.text("sku")), "total": total}


def _ordered(account: Account, line: LogLine) -> _Told:
    sku = line.text("sku") or account.ledger.need(line.text("signal_id")).sku
    return ("ordered", {"item": account.thing(sku)}) if sku else ("ordered_plain", {})


def _by_state(**tellers: _Teller) -> _Teller:
    def tell(account: Account, line: LogLine) -> _Told:
        teller = tellers.get(line.text("state"))
        return None if teller is None else teller(account, line)

    return tell


def _act(account: Account, line: LogLine) -> _Told:
    keys = {
        "press": "pressed",
        "wear": "worn",
        "take_off": "taken_off",
        "heat": "heating",
        "stop_heating": "heated",
        "diaper_change": "diapers",
    }
    if (key := keys.get(line.text("what"))) is None:
        return None
    return key, account.device(line) | {"count": line.fields.get("count", 1)}


def _moved(account: Account, line: LogLine) -> _Told:
    keys = {
        "already_on_its_way": "already",
        "refused": "refused",
        "expired": "expired",
        "shipped": "shipped",
        "delivered": "delivered",
    }
    key = keys.get(line.text("state"))
    if line.text("reason") == "already_asked":
        key = "quoted_again"
    if key is None:
        return None
    return key, account.device(line) | {"reason": account.thing(line.text("reason"))}


_TELLERS: Final[Mapping[tuple[str, str], _Teller]] = {
    (HOUSEHOLD, "home_act"): _act,
    (EDGE, "need_kept"): _kept,
    (EDGE, "need_not_kept"): _with_reason("not_kept"),
    (EDGE, "frame_refused"): _with_reason("turned_away"),
    (EDGE, "uplink_lost"): _with_reason("uplink_lost"),
    (EDGE, "uplink_connected"): _plain("uplink_back"),
    (CLOUD, "need_received"): _plain("received"),
    (CLOUD, "message_refused"): _with_reason("turned_away"),
    (BROKER, "topic_refused"): _with_reason("turned_away"),
    (BROKER, "connect_refused"): _with_reason("turned_away"),
    (HOME_BROKER, "topic_refused"): _with_reason("turned_away"),
    (HOME_BROKER, "connect_refused"): _with_reason("turned_away"),
    (CLOUD, "quote_moved"): _by_state(open=_quoted, confirmed=_plain("confirmed")),
    (CLOUD, "order_moved"): _by_state(placed=_ordered),
    (CLOUD, "need_moved"): _moved,
    (CLOUD, "offer_made"): _plain("offered"),
}
