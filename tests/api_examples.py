"""One call of each address, as a household's software makes it: the description's examples."""

import json
import re
from datetime import timedelta
from typing import Any

from api_home import ApiHome, Caller
from cloud_builders import FakeClock
from zodra_cloud.api import surface
from zodra_cloud.api.openapi import SERVER
from zodra_cloud.api.surface import described
from zodra_cloud.law.listening import Listener
from zodra_cloud.law.rules import Rules
from zodra_cloud.merchants.port import ShopOrderState
from zodra_cloud.subscriptions import desk
from zodra_cloud.subscriptions import service as subscriptions
from zodra_cloud.subscriptions.policy.sizes import Size
from zodra_contract.reading import ReadingKind

KITCHEN = "/slots/btn-kitchen/button-1"
TITLES = {"en": "Diapers 4", "nl": "Luiers 4"}
LADDER = (
    Size("3", "paper-towels-6", {"en": "Diapers 3", "nl": "Luiers 3"}, 44, 6.0, None),
    Size("4", "diapers-4", TITLES, 38, 5.0, 300),
)

READS = ("read_", "list_", "explain_", "look_")
LINES_MAX = 3
"""Of a list: the third says no more than the second."""
TERMS = r'"terms_hash": "[0-9a-f]{64}"'

Example = dict[str, Any]


class Recorder:
    """Makes calls, and keeps the first one of each address with its answer."""

    def __init__(self, home: ApiHome, clock: FakeClock) -> None:
        self.home, self.clock = home, clock
        self.kept: dict[str, Example] = {}
        self._caller: Caller = home.caller(app=surface.create(home.works(call_off_allowed=True)))
        self._addresses: list[tuple[str, re.Pattern[str], str]] = [
            (
                method.upper(),
                re.compile(re.sub(r"\{(\w+)\}", r"(?P<\1>[^/?]+)", path) + r"$"),
                operation["operationId"],
            )
            for path, methods in described()["paths"].items()
            for method, operation in methods.items()
        ]

    def see(self, path: str) -> Any:
        """Read."""
        return self._keep("GET", path, None, self._caller.get(f"/api/v1{path}"))

    def do(self, path: str, body: Any = None, method: str = "POST", **headers: str) -> Any:
        """Do something."""
        answer = self._caller.do(path, body, method=method, **headers)
        self.home.work()
        return self._keep(method, path, body, answer)

    def _keep(self, method: str, path: str, body: Any, answer: Any) -> Any:
        assert answer.status_code == 200, (method, path, answer.text)
        bare = f"/api/v1{path.partition('?')[0]}"
        for known, pattern, name in self._addresses:
            matched = pattern.match(bare)
            if known == method and matched is not None and name not in self.kept:
                self.kept[name] = {
                    "path": matched.groupdict(),
                    **({} if body is None else {"request": body}),
                    "answer": answer.json(),
                }
        return answer.json()


def walk(home: ApiHome, clock: FakeClock) -> dict[str, Example]:
    """Go once through everything; gives the examples by operation."""
    Listener(Rules(), home.changes).register(home.database)
    made = Recorder(home, clock)
    for part in (_reading, _buying, _changing_slots, _subscribing, _leaving):
        part(made)
    return _short(_named_alike(_once_a_schema(made.kept)))


def _once_a_schema(kept: dict[str, Example]) -> dict[str, Example]:
    """Leave out the answer of a change where reading gives the same thing."""
    read: set[str] = set()
    schemas: dict[str, str] = {}
    for methods in described()["paths"].values():
        for method, operation in methods.items():
            content = operation["responses"]["200"]["content"].get("application/json", {})
            schemas[operation["operationId"]] = str(content.get("schema"))
            if method == "get" and operation["operationId"] in kept:
                read.add(str(content.get("schema")))
    return {
        name: {
            part: value
            for part, value in example.items()
            if part != "answer" or name.startswith(READS) or schemas[name] not in read
        }
        for name, example in sorted(kept.items())
    }


def _named_alike(kept: dict[str, Example]) -> dict[str, Example]:
    """Give what is drawn at random a name that is the same in each walk."""
    text = json.dumps(kept).replace("http://testserver", SERVER)
    for kind in ("su", "sc", "t"):
        drawn = dict.fromkeys(re.findall(rf'"({kind}_[a-z0-9]{{16,}})"', text))
        for number, name in enumerate(drawn, start=1):
            text = text.replace(name, f"{kind}_{number:024d}")
    named: dict[str, Example] = json.loads(re.sub(TERMS, rf'"terms_hash": "{"9f" * 32}"', text))
    return named


def _short(value: Any) -> Any:
    if isinstance(value, list):
        return [_short(each) for each in value[:LINES_MAX]]
    if isinstance(value, dict):
        return {name: _short(each) for name, each in value.items()}
    return value


def _reading(made: Recorder) -> None:
    made.home.readings(("baby-nursery", ReadingKind.REMAINING_UNITS, 31.0))
    made.home.health()
    for path in ("/me", "/devices", "/devices/btn-kitchen", "/gateways"):
        made.see(path)


def _quote(made: Recorder, age_s: float = 0.4) -> Any:
    made.clock.advance(60)
    signal_id = made.home.press(age_s)
    made.home.work()
    quote_id = made.see(f"/needs/{signal_id}")["quote_id"]
    made.see(f"/needs/{signal_id}/why")
    return made.see(f"/quotes/{quote_id}")


def _yes(shown: Any, labels: str, proof: str) -> Example:
    return {proof: shown[proof], "label": shown[labels]["en"], "language": "en"}


def _buying(made: Recorder) -> None:
    first = _quote(made)
    made.do(f"/quotes/{first['quote_id']}/decline")
    doubtful = _quote(made, age_s=5 * 86_400.0)
    made.do(f"/quotes/{doubtful['quote_id']}/answer", {"needed": True})
    quote = made.see(f"/quotes/{doubtful['quote_id']}")
    made.see("/quotes?limit=1")
    agreed = made.do(f"/quotes/{quote['quote_id']}/confirm", _yes(quote, "labels", "snapshot_hash"))
    made.do(f"/orders/{agreed['order_key']}/cancel")
    made.home.deliver(ShopOrderState.CANCELLED)
    made.home.work()
    quote = _quote(made)
    agreed = made.do(f"/quotes/{quote['quote_id']}/confirm", _yes(quote, "labels", "snapshot_hash"))
    made.see("/needs?limit=1")
    for state in (ShopOrderState.SHIPPED, ShopOrderState.DELIVERED):
        made.clock.advance(86_400)
        made.home.deliver(state)
        made.home.work()
    order = f"/orders/{agreed['order_key']}"
    made.see("/orders?limit=1")
    made.see(order)
    made.do(f"{order}/was-it-right", {"answer": "yes"})
    shown = made.see(f"{order}/withdrawal")
    said = {"label": shown["labels"]["en"], "language": "en"}
    made.do(f"{order}/withdrawal", {"quantity": 1, "withdrawn": shown["withdrawn"], **said})
    made.do(f"{order}/sent-back")


def _changing_slots(made: Recorder) -> None:
    bound = {
        "sku": "paper-towels-6",
        "quantity": 1,
        "price_ceiling_minor": 2_000,
        "spend_cap_minor": 5_000,
        "cooldown_s": 3_600,
        "quiet_from": "22:00",
        "quiet_to": "07:00",
    }
    made.do(KITCHEN, bound, method="PUT", if_match="*")
    made.do(KITCHEN, {"call_off": True, "cooldown_s": 0}, method="PATCH", if_match="*")
    made.see("/slots")
    made.see(KITCHEN)
    made.see(f"{KITCHEN}/forecast")
    used = {"metering": "usage", "sku": "trv-filter", "unit": "ml", "capacity_units": 1_000.0}
    soap = "/slots/trv-living/filter"
    made.do(
        soap, {**used, "reorder_units": 150.0, "units_per_item": 500.0}, method="PUT", if_match="*"
    )
    made.do(f"{soap}/count", {"units": 640.0})
    made.see(f"{soap}/forecast")
    numbers = {"orders_max": 2, "window_days": 30, "notice_s": 3_600}
    query = "&".join(f"{name}={value}" for name, value in numbers.items())
    offer = made.see(f"{KITCHEN}/agreement?{query}")
    agreed = made.do(f"{KITCHEN}/agreement", {**numbers, **_yes(offer, "labels", "terms_hash")})
    made.see("/agreements")
    made.see(f"/agreements/{agreed['agreement_id']}")
    made.do(f"/agreements/{agreed['agreement_id']}/end")


def _joined(made: Recorder, device_id: str = "btn-kitchen", slot_key: str = "button-1") -> str:
    place = {"device_id": device_id, "slot_key": slot_key}
    asked = made.do("/subscriptions", {**place, "cadence": {"count": 4, "every": "weeks"}})
    name = str(asked["subscription_id"])
    shown = made.see(f"/subscriptions/{name}")
    made.kept.pop("read_subscription", None)
    made.do(f"/subscriptions/{name}/join", _yes(shown, "order_labels", "terms_hash"))
    return name


def _subscribing(made: Recorder) -> None:
    with made.home.database.write() as connection:
        desk.put_ladder(connection, "diapers", LADDER, made.clock.now())
    one = f"/subscriptions/{_joined(made)}"
    begun = made.clock.now()
    made.see("/subscriptions")
    made.see("/sizes")
    terms = made.see(f"{one}/price-terms?ceiling_minor=2000")
    made.do(f"{one}/price", {**_yes(terms, "order_labels", "terms_hash"), "ceiling_minor": 2_000})
    born_on = (made.clock.now() - timedelta(days=400)).date().replace(day=1).isoformat()
    made.do(f"{one}/growth", {"ladder_id": "diapers", "born_on": born_on})
    while (proposed := made.see(one)["proposal"]) is None:
        assert made.clock.now() < begun + timedelta(days=60)
        made.clock.advance(86_400)
        made.home.work()
    made.kept.pop("read_subscription", None)
    made.do(f"{one}/size", {"size": proposed["size"], "accept": True, "with_cadence": False})
    first, second = made.see(one)["upcoming"][:2]
    on = (made.clock.now() + timedelta(days=20)).date().isoformat()
    until = (made.clock.now() + timedelta(days=60)).date().isoformat()
    steps: tuple[tuple[str, Any], ...] = (
        ("skip", {"cycle": second["cycle"]}),
        ("unskip", {"cycle": second["cycle"]}),
        ("quantity", {"quantity": 2}),
        ("follow", {"follow": {"days_min": 21, "days_max": 35}}),
        ("reschedule", {"cycle": first["cycle"], "on": on}),
        ("cadence", {"count": 6, "every": "weeks"}),
        ("pause", {"until": until}),
        ("resume", None),
    )
    for verb, body in steps:
        made.do(f"{one}/{verb}", body)
    made.see(f"{one}/ledger")


def _leaving(made: Recorder) -> None:
    (standing, *_) = made.see("/subscriptions")
    one = f"/subscriptions/{standing['subscription_id']}"
    made.do(f"{one}/cancel", {"label": subscriptions.CANCEL_LABELS["en"], "language": "en"})
    other = f"/subscriptions/{_joined(made, 'baby-nursery', 'diapers')}"
    words = made.see(other)["withdraw_labels"]
    made.do(f"{other}/withdraw", {"label": words["en"], "language": "en"})
