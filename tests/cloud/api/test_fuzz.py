"""Generated calls against the description: nothing faults, and every answer is as described.

`make api-fuzz` runs the same for longer (FUZZ_EXAMPLES, FUZZ_SEED).
"""

import itertools
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st
from hypothesis.errors import FlakyStrategyDefinition
from hypothesis.stateful import run_state_machine_as_test
from schemathesis import Case, GenerationMode
from schemathesis.specs.openapi.checks import positive_data_acceptance

from api_home import ApiHome, Caller, furnished
from cloud_builders import FakeClock
from zodra_cloud.api import surface
from zodra_cloud.api.surface import described
from zodra_cloud.store.engine import Database
from zodra_contract.ids import ID_PATTERN

EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES") or "5")
SESSIONS_MAX = 5
SEED = int(os.environ.get("FUZZ_SEED") or "1")
OPERATIONS = [
    (path, method)
    for path, methods in described()["paths"].items()
    for method in methods
    # A stream does not end by itself; tests/cloud/api/test_events.py reads them.
    if not path.endswith("/events")
]
UNSAID: Any = [positive_data_acceptance]
"""No description can say whether a quote is open, a change fits the slot, a cursor is ours."""
LIMITS = settings(
    max_examples=EXAMPLES,
    deadline=None,
    database=None,
    suppress_health_check=list(HealthCheck),
)


class Fuzz:
    """The description as schemathesis reads it, with a token and ids that exist."""

    def __init__(self, home: ApiHome) -> None:
        app = surface.create(home.works(call_off_allowed=True))
        self.schema = schemathesis.openapi.from_asgi("/api/openapi.json", app)
        self.headers = {"Authorization": f"Bearer {home.token()[0]}"}
        self._numbers = itertools.count(1)
        caller = home.caller(app=app)
        needs = caller.see("/needs")["items"]
        quotes = caller.see("/quotes")["items"]
        done = [
            {"snapshot_hash": each["snapshot_hash"], "label": each["labels"]["en"]}
            for each in quotes
            if each["labels"]
        ]
        answer = caller.do(
            f"/quotes/{quotes[0]['quote_id']}/confirm", {**done[0], "language": "en"}
        )
        home.work()
        home.press()
        wish = {
            "device_id": "btn-kitchen",
            "slot_key": "button-1",
            "cadence": {"count": 4, "every": "weeks"},
        }
        subscription_id = caller.do("/subscriptions", wish).json()["subscription_id"]
        home.work()
        offered = caller.see(f"/subscriptions/{subscription_id}")
        said = {"label": offered["order_labels"]["en"], "language": "en"}
        caller.do(
            f"/subscriptions/{subscription_id}/join",
            {"terms_hash": offered["terms_hash"], **said},
        )
        self.ids = {
            "agreement_id": [_agreed(caller)],
            "subscription_id": [subscription_id],
            "signal_id": [each["signal_id"] for each in needs],
            "quote_id": [each["quote_id"] for each in caller.see("/quotes")["items"]],
            "order_key": [answer.json()["order_key"]],
            "device_id": ["btn-kitchen"],
            "slot_key": ["button-1"],
        }

    def aim(self, case: "Case[Any]", choice: int) -> None:
        """Let a call be about something that is there, and be a new wish each time."""
        for name in case.path_parameters or {}:
            there = self.ids[name]
            case.path_parameters[name] = there[choice % len(there)]
        if "idempotency-key" in case.headers:
            case.headers["idempotency-key"] = f"k-{next(self._numbers)}"
        if "if-match" in case.headers:
            case.headers["if-match"] = "*"
        if case.query and "cursor" in case.query:
            del case.query["cursor"]


def _agreed(caller: Caller) -> str:
    slot = "/slots/btn-kitchen/button-1"
    caller.do(slot, {"call_off": True, "price_ceiling_minor": 2_000}, if_match="*")
    numbers = {"orders_max": 2, "window_days": 30, "notice_s": 60}
    offer = caller.see(f"{slot}/agreement?orders_max=2&window_days=30&notice_s=60")
    said = {"label": offer["labels"]["en"], "language": "en", "terms_hash": offer["terms_hash"]}
    return str(caller.do(f"{slot}/agreement", {**numbers, **said}).json()["agreement_id"])


@pytest.fixture(scope="module")
def fuzz(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fuzz]:
    """One home for all that is generated, which nothing of it may break.

    On SQLite alone: the other tests of the API run on both databases.
    """
    path = tmp_path_factory.mktemp("fuzz") / "cloud.db"
    shutil.copy(sqlite_template, path)
    database = Database.open(f"sqlite:///{path}")
    home = furnished(database, FakeClock())
    home.press()
    home.need_without_product()
    yield Fuzz(home)
    database.close()


def run(examine: Callable[..., None], *strategies: Any) -> None:
    seed(SEED)(LIMITS(given(*strategies)(examine)))()


@pytest.mark.parametrize(("path", "method"), OPERATIONS, ids=lambda value: str(value))
def test_what_is_as_described_is_taken(fuzz: Fuzz, path: str, method: str) -> None:
    calls = fuzz.schema[path][method].as_strategy(generation_mode=GenerationMode.POSITIVE)

    def examine(case: "Case[Any]", choice: int) -> None:
        fuzz.aim(case, choice)
        # Whether a slot may have an agreement changes while others of these tests change it.
        excluded = UNSAID if method != "get" or path.endswith("/agreement") else []
        case.call_and_validate(headers=fuzz.headers, excluded_checks=excluded)

    run(examine, calls, st.integers(0, 3))


@pytest.mark.parametrize(("path", "method"), OPERATIONS, ids=lambda value: str(value))
def test_what_is_not_as_described_is_refused(fuzz: Fuzz, path: str, method: str) -> None:
    operation = fuzz.schema[path][method]
    if not (operation.body or operation.path_parameters or operation.query or operation.headers):
        pytest.skip("there is nothing that could be wrong")
    calls = operation.as_strategy(generation_mode=GenerationMode.NEGATIVE)

    def examine(case: "Case[Any]") -> None:
        # Wrong may be the token alone, in whose place the right one is sent.
        case.call_and_validate(headers=fuzz.headers, excluded_checks=UNSAID)

    run(examine, calls)


def test_one_call_after_another(fuzz: Fuzz) -> None:
    """Follow the links of the description: read a quote, confirm it, cancel the order, ..."""
    machine = fuzz.schema.exclude(path_regex="/events$").as_state_machine()
    numbers = itertools.count(1)

    class Followed(machine):  # type: ignore[valid-type, misc]
        def get_call_kwargs(self, case: Case) -> dict[str, Any]:
            if "idempotency-key" in case.headers:
                case.headers["idempotency-key"] = f"s-{next(numbers)}"
            return {"headers": fuzz.headers}

        def validate_response(
            self, response: Any, case: "Case[Any]", additional_checks: Any = None, **kwargs: Any
        ) -> None:
            case.validate_response(
                response,
                additional_checks=additional_checks,
                excluded_checks=UNSAID,
                transport_kwargs=kwargs or None,
                recorder=self.recorder,
            )

    # What is drawn follows from earlier answers, which differ when a scenario is played again in a
    # home that has moved on; then a new session goes on, as schemathesis' own engine does it.
    for session in range(SESSIONS_MAX):
        with suppress(FlakyStrategyDefinition):
            run_state_machine_as_test(
                seed(SEED + session)(Followed),
                settings=settings(LIMITS, stateful_step_count=6),
            )
            return
    pytest.fail(f"no session of {SESSIONS_MAX} came to its end")


def test_ids_are_described_as_they_are() -> None:
    document = described()
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            for each in operation.get("parameters", ()):
                if each["in"] == "path":
                    assert each["schema"]["pattern"] == ID_PATTERN, (path, method)
