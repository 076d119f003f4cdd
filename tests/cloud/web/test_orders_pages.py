"""The pages of orders: what is said of them, and what a household can still do."""

import re

import pytest
from sqlalchemy import text
from starlette.testclient import TestClient

from cloud_builders import FakeClock
from web_full import FullHome
from web_reading import form, sign_in, text_of
from zodra_cloud.consent.service import Purpose
from zodra_cloud.households.models import Role
from zodra_cloud.law import service as law
from zodra_cloud.merchants.port import ShopOrderState
from zodra_cloud.payments import service as payments
from zodra_cloud.replenish import hooks
from zodra_cloud.replenish import service as replenish
from zodra_cloud.replenish.states import OrderState
from zodra_cloud.store.engine import Database


@pytest.fixture
def home(database: Database, clock: FakeClock) -> FullHome:
    return FullHome(database, clock).furnish(Purpose.REPLENISH)


@pytest.fixture
def resident(home: FullHome) -> TestClient:
    return sign_in(home, Role.HOUSEHOLD)


def delivered(home: FullHome, clock: FakeClock) -> str:
    key = home.order()
    clock.advance(86_400)
    home.deliver(ShopOrderState.SHIPPED)
    home.deliver(ShopOrderState.DELIVERED)
    clock.advance(3 * 86_400)
    home.work()
    return key


def state_of(home: FullHome, order_key: str) -> OrderState:
    with home.database.read() as connection:
        return replenish.order(connection, home.household_id, order_key).order.state


def test_the_list_leads_to_each_order(home: FullHome, resident: TestClient) -> None:
    assert "Nothing was ordered yet" in resident.get("/orders").text
    key = home.order()
    page = resident.get("/orders").text
    assert f'href="/orders/{key}"' in page
    assert "Paper towels, 6 rolls ordered" in text_of(page)


def test_a_long_list_goes_on(home: FullHome, resident: TestClient, clock: FakeClock) -> None:
    keys = []
    for _ in range(21):
        keys.append(home.order())
        home.deliver(ShopOrderState.DELIVERED)
        clock.advance(60)
    first = resident.get("/orders").text
    older = re.search(r'class="older"><a href="([^"]+)"', first)
    assert older
    following = resident.get(older[1].replace("&amp;", "&")).text
    assert keys[0] not in first
    assert keys[0] in following
    assert keys[1] not in following
    assert resident.get("/orders?before=nonsense&key=x").status_code == 200


def test_an_order_says_what_was_agreed_and_what_happened(
    home: FullHome, resident: TestClient
) -> None:
    key = home.order()
    said = text_of(resident.get(f"/orders/{key}").text)
    assert "“Order with obligation to pay”" in said
    assert "Order number at the shop 2026-000417" in said
    assert "You said yes, on the labelled control." in said
    assert "The shop confirmed the order." in said
    assert "Promised Tuesday" in said or "Promised" in said


def test_an_order_is_cancelled_while_that_is_possible(
    home: FullHome, resident: TestClient, clock: FakeClock
) -> None:
    key = home.order()
    page = resident.get(f"/orders/{key}").text
    action, fields = form(page, "/cancel")
    answer = resident.post(action, data=fields)
    assert answer.headers["location"] == f"/orders/{key}"
    assert state_of(home, key) is OrderState.CANCELLING
    page = resident.get(f"/orders/{key}").text
    assert "Asked. You see here what the shop says." in text_of(page)
    assert "Cancel this order" not in page
    home.deliver(ShopOrderState.SHIPPED)
    resident.post(action, data=fields)
    assert "It is too late to cancel" in text_of(resident.get(f"/orders/{key}").text)


def test_a_late_order_says_so_before_anyone_asks(
    home: FullHome, resident: TestClient, clock: FakeClock
) -> None:
    key = home.order()
    clock.advance(6 * 86_400)
    home.work()
    for path in (f"/orders/{key}", "/orders"):
        said = text_of(resident.get(path).text)
        assert "It comes later than was promised. Promised was" in said, path


def test_whether_it_was_right_is_asked_once(
    home: FullHome, resident: TestClient, clock: FakeClock
) -> None:
    key = delivered(home, clock)
    first = resident.get("/").text
    assert "Was it right?" in first
    action, fields = form(first, f"/orders/{key}/right")
    answer = resident.post(action, data={**fields, "answer": "too_early"})
    assert answer.headers["location"] == "/"
    assert "Was it right?" not in resident.get("/").text
    assert "You said: It came too early" in text_of(resident.get(f"/orders/{key}").text)
    resident.post(action, data={**fields, "answer": "yes"})
    assert "You said: It came too early" in text_of(resident.get(f"/orders/{key}").text)
    refused = resident.post(action, data={**fields, "answer": "perhaps"})
    assert refused.status_code == 400


@pytest.mark.parametrize(
    ("language", "first", "second"),
    [
        ("en", "withdraw from contract here", "confirm withdrawal"),
        ("nl", "overeenkomst hier herroepen", "herroeping bevestigen"),
    ],
)
def test_a_household_withdraws_in_two_steps_with_the_words_of_the_law(
    home: FullHome,
    resident: TestClient,
    clock: FakeClock,
    language: str,
    first: str,
    second: str,
) -> None:
    resident.post("/language", data={"language": language})
    key = delivered(home, clock)
    page = resident.get(f"/orders/{key}").text
    assert re.search(rf'id="withdraw" href="/orders/{key}/withdraw"[^>]*>{first}</a>', page)
    assert first in resident.get("/orders").text
    step = resident.get(f"/orders/{key}/withdraw").text
    assert f'value="{second}">{second}</button>' in step
    action, fields = form(step, "/withdraw")
    answer = resident.post(action, data=fields)
    assert answer.headers["location"] == f"/orders/{key}"
    with home.database.read() as connection:
        choice = law.choice(connection, home.household_id, key, rules=home.law, now=clock.now())
    (declared,) = choice.withdrawals
    assert declared.label == second
    resident.post(action, data=fields)
    with home.database.read() as connection:
        again = law.choice(connection, home.household_id, key, rules=home.law, now=clock.now())
    assert len(again.withdrawals) == 1
    page = resident.get(f"/orders/{key}").text
    assert 'id="withdraw"' not in page
    sent, token = form(page, "/sent-back")
    resident.post(sent, data=token)
    assert "/sent-back" not in resident.get(f"/orders/{key}").text


def test_a_form_that_was_not_taken_keeps_what_was_typed(
    home: FullHome, resident: TestClient, clock: FakeClock
) -> None:
    home.bind(quantity=3)
    key = delivered(home, clock)
    action, fields = form(resident.get(f"/orders/{key}/withdraw").text, "/withdraw")
    assert fields["quantity"] == "3"
    answer = resident.post(action, data={**fields, "quantity": "7"})
    assert answer.status_code == 422
    assert 'name="quantity" value="7"' in answer.text
    assert "The number has to be from 1 to what is left." in answer.text
    typed = resident.post(action, data={**fields, "label": "ok"})
    assert "The page was out of date." in typed.text
    taken = resident.post(action, data={**fields, "quantity": "2"})
    assert taken.status_code == 303


def test_letters_and_proof_are_files_to_keep(
    home: FullHome, resident: TestClient, clock: FakeClock
) -> None:
    key = delivered(home, clock)
    page = resident.get(f"/orders/{key}").text
    assert "Not mailed; please keep a copy." in text_of(page)
    action, fields = form(page, r"/letters/\w+")
    kept = resident.post(action, data=fields)
    assert kept.headers["content-disposition"].startswith('attachment; filename="contract-')
    assert "Paper towels, 6 rolls" in kept.text
    assert "You have kept it." in text_of(resident.get(f"/orders/{key}").text)
    proof = resident.get(f"/orders/{key}/proof")
    assert proof.headers["content-disposition"] == f'attachment; filename="proof-{key}.html"'
    found, faults = law.check_file(proof.content)
    assert (found is not None, faults) == (True, [])


def test_the_language_switch_leads_back_to_the_order(home: FullHome, resident: TestClient) -> None:
    key = home.order()
    for back, leads in (
        (f"/orders/{key}", f"/orders/{key}"),
        ("/slots/btn-kitchen/button-1", "/slots/btn-kitchen/button-1"),
        ("//elsewhere.example", "/"),
        ("/orders/../operator", "/"),
        ("/orders/a/b/c/d", "/"),
    ):
        answer = resident.post("/language", data={"language": "nl", "back": back})
        assert answer.headers["location"] == leads


@pytest.mark.parametrize(
    ("link", "shown"), [("https://bank.example/pay/1", True), ("javascript:alert(1)", False)]
)
def test_a_payment_that_the_bank_wants_seen_leads_to_its_page(
    home: FullHome, resident: TestClient, link: str, shown: bool
) -> None:
    hooks.on_order(home.database, payments.on_order)
    key = home.order()
    with home.database.write(home.household_id) as connection:
        connection.execute(
            text("UPDATE payments SET state = 'action', link_url = :link"), {"link": link}
        )
    for path in ("/", f"/orders/{key}"):
        page = resident.get(path).text
        assert ("Approve €10.44" in page) is shown, path
        assert (f'href="{link}"' in page) is shown, path
    assert "Your bank wants to see you before it pays." in resident.get(f"/orders/{key}").text


def test_what_a_bank_refused_can_be_paid_in_another_way(
    home: FullHome, resident: TestClient
) -> None:
    hooks.on_order(home.database, payments.on_order)
    key = home.order()
    with home.database.write(home.household_id) as connection:
        connection.execute(text("UPDATE payments SET state = 'retrying'"))
    action, fields = form(resident.get(f"/orders/{key}").text, "/pay-otherwise")
    assert resident.post(action, data=fields).status_code == 303
    with home.database.read() as connection:
        found = payments.payment(connection, home.household_id, key)
    assert found is not None
    assert found.by_link
