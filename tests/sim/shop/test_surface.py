"""The shop as its clients meet it: a process behind HTTP."""

import json
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx2
import pytest
from click.testing import CliRunner
from standardwebhooks import Webhook

from sim.shop.shops import (
    API_KEY,
    TOWELS,
    TOWELS_TOTAL,
    WEBHOOK_SECRET,
    ShopProcess,
    expected,
    running,
    wish_json,
)
from zodra_sim.cli import commands


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ShopProcess]:
    with running(tmp_path_factory.mktemp("shop"), shipped_after_s=3600) as started:
        yield started


@pytest.fixture
def client(shop: ShopProcess) -> Iterator[httpx2.Client]:
    with shop.client() as opened:
        opened.delete("/faults").raise_for_status()
        yield opened


def quote(client: httpx2.Client, reference: str, **more: Any) -> dict[str, Any]:
    answer = client.post("/checkout-sessions", json=wish_json(reference, **more))
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


def complete(
    client: httpx2.Client, session_id: str, key: str, total: int = TOWELS_TOTAL
) -> httpx2.Response:
    return client.post(
        f"/checkout-sessions/{session_id}/complete",
        json=expected(total),
        headers={"idempotency-key": key},
    )


def refusal(answer: httpx2.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["messages"][0]["code"]


def test_anybody_may_read_the_profile(shop: ShopProcess) -> None:
    answer = httpx2.get(f"http://127.0.0.1:{shop.port}/.well-known/ucp", trust_env=False)
    assert answer.json()["ucp"]["capabilities"] == [
        "dev.ucp.shopping.checkout",
        "dev.ucp.shopping.order",
    ]


@pytest.mark.parametrize("token", ["", "Bearer wrong", f"Basic {API_KEY}", API_KEY])
@pytest.mark.parametrize("path", ["/orders?reference=x", "/faults", "/ledger", "/products"])
def test_the_rest_needs_the_key(client: httpx2.Client, token: str, path: str) -> None:
    answer = client.get(path, headers={"authorization": token})
    assert refusal(answer) == (401, "unauthorized")


def test_a_quote_holds_what_the_client_checks(client: httpx2.Client) -> None:
    session = quote(client, "o_quote")
    assert session["status"] == "ready_for_complete"
    sums = {one["type"]: one["amount"] for one in session["totals"]}
    assert sums == {"subtotal": 799, "fulfillment": 295, "tax": 190, "total": TOWELS_TOTAL}
    [line] = session["line_items"]
    assert (line["item"]["id"], line["quantity"]) == (TOWELS, 1)
    assert line["item"]["titles"]["nl"] == "Keukenpapier, 6 rollen"
    [option] = session["fulfillment"]["options"]
    assert option["selected"] is True
    assert option["earliest_at"] <= option["latest_at"]
    assert session["expires_at"] > session["created_at"]
    assert session["order"] is None
    assert client.get(f"/checkout-sessions/{session['id']}").json() == session


def test_an_order_is_made_once_and_found_by_its_reference(client: httpx2.Client) -> None:
    session = quote(client, "o_once")
    first, again = (complete(client, session["id"], "o_once") for _ in range(2))
    assert first.status_code == again.status_code == 200
    assert first.content == again.content
    assert "idempotency-replayed" not in first.headers
    assert again.headers["idempotency-replayed"] == "true"
    found = client.get("/orders", params={"reference": "o_once"}).json()
    assert found == {"orders": [first.json()]}
    assert client.get(f"/orders/{first.json()['id']}").json() == first.json()
    completed = client.get(f"/checkout-sessions/{session['id']}").json()
    assert completed["order"] == first.json()
    assert client.get("/orders", params={"reference": "nothing"}).json() == {"orders": []}


def test_many_completes_at_once_make_one_order(shop: ShopProcess, client: httpx2.Client) -> None:
    session = quote(client, "o_race")

    def one(_: int) -> bytes:
        with shop.client() as own:
            return complete(own, session["id"], "o_race").content

    with ThreadPoolExecutor(8) as pool:
        assert len(set(pool.map(one, range(16)))) == 1
    assert len(client.get("/orders", params={"reference": "o_race"}).json()["orders"]) == 1


@pytest.mark.parametrize(
    ("body", "answer"),
    [
        pytest.param({"line_items": []}, (400, "invalid"), id="no lines"),
        pytest.param({"line_items": "x"}, (400, "invalid"), id="lines of another type"),
        pytest.param({"currency": "USD"}, (400, "invalid"), id="another currency"),
        pytest.param({"reference": "a b"}, (400, "invalid"), id="no id"),
        pytest.param({"reference": None}, (400, "invalid"), id="null"),
        pytest.param({"context": {"address_country": "US"}}, (400, "invalid"), id="too far"),
        pytest.param(
            {"line_items": [{"item": {"id": TOWELS}, "quantity": 100}]},
            (400, "invalid"),
            id="too many",
        ),
        pytest.param(
            {"line_items": [{"item": {"id": TOWELS}, "quantity": True}]},
            (400, "invalid"),
            id="a quantity that is none",
        ),
        pytest.param(
            {"line_items": [{"item": {"id": "moon"}, "quantity": 1}]},
            (404, "unknown_item"),
            id="unknown item",
        ),
    ],
)
def test_a_wish_that_cannot_be_is_refused(
    client: httpx2.Client, body: dict[str, Any], answer: tuple[int, str]
) -> None:
    assert refusal(client.post("/checkout-sessions", json={**wish_json(), **body})) == answer


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"\xff\xfe", b'{"line_items": 1e999}'])
def test_a_body_that_is_no_json_is_refused(client: httpx2.Client, body: bytes) -> None:
    headers = {"content-type": "application/json"}
    answer = client.post("/checkout-sessions", content=body, headers=headers)
    assert refusal(answer) == (400, "invalid")


def test_the_refusals_of_complete(client: httpx2.Client) -> None:
    session = quote(client, "o_refusals")
    path = f"/checkout-sessions/{session['id']}/complete"
    assert refusal(client.post(path, json=expected())) == (400, "idempotency_key_missing")
    assert refusal(complete(client, "cs_none", "k")) == (404, "session_not_found")
    assert refusal(complete(client, session["id"], "k", 1000)) == (409, "price_changed")
    assert refusal(complete(client, session["id"], "k")) == (409, "session_canceled")
    assert refusal(client.get("/orders")) == (400, "invalid")
    assert refusal(client.get("/orders/ord_none")) == (404, "order_not_found")


def test_an_order_can_be_cancelled(client: httpx2.Client) -> None:
    order = complete(client, quote(client, "o_cancel")["id"], "o_cancel").json()
    canceled = client.post(f"/orders/{order['id']}/cancel").json()
    assert canceled["status"] == "canceled"
    assert canceled["cancellation"]["reason"] == "buyer"
    assert canceled["revision"] == 2
    assert client.post(f"/orders/{order['id']}/cancel").json() == canceled


@pytest.mark.parametrize(
    "fault", [{"hang_up_after_accept": 1}, {"timeout_after_accept": 1}], ids=["hang up", "silent"]
)
def test_an_order_can_be_accepted_without_an_answer(
    shop: ShopProcess, client: httpx2.Client, fault: dict[str, int]
) -> None:
    reference = f"o_{next(iter(fault))}"
    session = quote(client, reference)
    client.post("/faults", json=fault).raise_for_status()
    with shop.client(timeout=0.3) as impatient, pytest.raises(httpx2.HTTPError):
        complete(impatient, session["id"], reference)
    [order] = client.get("/orders", params={"reference": reference}).json()["orders"]
    again = complete(client, session["id"], reference)
    assert again.headers["idempotency-replayed"] == "true"
    assert again.json() == order


def test_answers_that_are_none(client: httpx2.Client) -> None:
    session = quote(client, "o_garbage")
    client.post("/faults", json={"garbage": 1, "huge": 1, "fail_500": 1}).raise_for_status()
    answers = [complete(client, session["id"], "o_garbage") for _ in range(3)]
    assert sorted(answer.status_code for answer in answers) == [200, 200, 500]
    assert max(len(answer.content) for answer in answers) > 5_000_000
    assert client.get("/orders", params={"reference": "o_garbage"}).json() == {"orders": []}
    client.post("/faults", json={"error_rate": 1}).raise_for_status()
    assert complete(client, session["id"], "o_garbage").status_code == 500
    client.delete("/faults")
    assert complete(client, session["id"], "o_garbage").status_code == 200


def test_a_fault_that_is_none_is_refused(client: httpx2.Client) -> None:
    assert refusal(client.post("/faults", json={"boom": 1})) == (400, "invalid")
    assert refusal(client.post("/faults", json={"slow_s": -1})) == (400, "invalid")


def test_faults_and_orders_from_the_command_line(shop: ShopProcess, client: httpx2.Client) -> None:
    runner = CliRunner()
    config = ["--config", str(shop.config)]
    raised = runner.invoke(
        commands,
        ["shop", "fault", *config, "--price-factor", "1.2", "--out-of-stock", "hr-strap"],
    )
    assert json.loads(raised.output)["out_of_stock"] == ["hr-strap"]
    assert quote(client, "o_cli")["totals"][-1]["amount"] == 959 + 295
    strap = client.post("/checkout-sessions", json=wish_json("o_cli", "hr-strap"))
    assert refusal(strap) == (409, "out_of_stock")
    cleared = runner.invoke(commands, ["shop", "fault", *config, "--clear"])
    assert json.loads(cleared.output)["price_factor"] == 1
    complete(client, quote(client, "o_listed")["id"], "o_listed").raise_for_status()
    listed = runner.invoke(commands, ["shop", "orders", *config])
    assert "o_listed" in listed.output
    as_json = json.loads(runner.invoke(commands, ["shop", "orders", *config, "--json"]).output)
    assert as_json == client.get("/ledger").json()["orders"]


def test_a_sigkill_loses_nothing_that_was_answered(tmp_path: Path) -> None:
    with running(tmp_path) as shop, shop.client() as client:
        session = quote(client, "o_killed")
        order = complete(client, session["id"], "o_killed").json()
        shop.kill()
        shop.start()
        again = complete(client, session["id"], "o_killed")
        assert again.headers["idempotency-replayed"] == "true"
        assert again.json() == order
        assert len(client.get("/ledger").json()["orders"]) == 1
        towels = client.get(f"/products/{TOWELS}").json()
        assert towels["available"] == 499
        assert [entry["price"] for entry in towels["price_history"]] == [799]
        assert shop.end() == 0


class Inbox:
    """A receiver of order events that answers as it is told."""

    def __init__(self, *answers: int) -> None:
        self.letters: list[tuple[dict[str, str], str]] = []
        self._answers = list(answers)
        self._changed = threading.Condition()
        inbox = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"])).decode()
                headers = {name.lower(): value for name, value in self.headers.items()}
                with inbox._changed:
                    inbox.letters.append((headers, body))
                    status = inbox._answers.pop(0) if inbox._answers else 204
                    inbox._changed.notify_all()
                self.send_response(status)
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/events"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))
        self._thread.start()

    def wait(self, count: int) -> list[tuple[str, str]]:
        """Wait for so many letters; answer their ids and types, having checked the signatures."""
        with self._changed:
            assert self._changed.wait_for(lambda: len(self.letters) >= count, 15), self.letters
            letters = list(self.letters)
        webhook = Webhook(WEBHOOK_SECRET)
        return [
            (headers["webhook-id"], webhook.verify(body, headers)["type"])
            for headers, body in letters
        ]

    def close(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


@pytest.fixture
def inbox(request: pytest.FixtureRequest) -> Iterator[Inbox]:
    opened = Inbox(*getattr(request, "param", ()))
    yield opened
    opened.close()


QUICK = {"shipped_after_s": 0.1, "delivered_after_s": 0.1, "event_retry_s_min": 0.1}
WAY = ["order.placed", "order.shipped", "order.delivered"]


@pytest.mark.parametrize("inbox", [(500, 503, 204)], indirect=True)
def test_events_are_signed_and_come_until_they_are_taken(tmp_path: Path, inbox: Inbox) -> None:
    with running(tmp_path, webhook_url=inbox.url, **QUICK) as shop, shop.client() as client:
        order = complete(client, quote(client, "o_events")["id"], "o_events").json()
        letters = inbox.wait(5)
        assert len({letter_id for letter_id, _ in letters}) == 3
        assert sorted({kind for _, kind in letters}) == sorted(WAY)
        last = json.loads(inbox.letters[-1][1])["data"]
        assert last["id"] == order["id"]
        tracking = client.get(f"/orders/{order['id']}").json()["fulfillment"]["tracking"]
        assert tracking["carrier"] == "Demo parcels"


@pytest.mark.parametrize("inbox", [(401, 400, 413)], indirect=True)
def test_a_final_answer_ends_an_event(tmp_path: Path, inbox: Inbox) -> None:
    with running(tmp_path, webhook_url=inbox.url, **QUICK) as shop, shop.client() as client:
        complete(client, quote(client, "o_first")["id"], "o_first").raise_for_status()
        inbox.wait(3)
        complete(client, quote(client, "o_second")["id"], "o_second").raise_for_status()
        letters = inbox.wait(6)
        assert len({letter_id for letter_id, _ in letters}) == len(letters) == 6


def test_held_events_survive_a_sigkill_and_can_come_reversed_and_twice(
    tmp_path: Path, inbox: Inbox
) -> None:
    with running(tmp_path, webhook_url=inbox.url, **QUICK) as shop, shop.client() as client:
        client.post("/faults", json={"hold_events": True}).raise_for_status()
        order = complete(client, quote(client, "o_held")["id"], "o_held").json()
        while client.get(f"/orders/{order['id']}").json()["status"] != "delivered":
            pass
        shop.kill()
        shop.start()
        assert inbox.letters == []
        faults = {"hold_events": False, "reverse_events": True, "duplicate_events": True}
        client.post("/faults", json=faults).raise_for_status()
        assert [kind for _, kind in inbox.wait(6)] == [kind for kind in WAY[::-1] for _ in "12"]
