"""The whole way of a device that speaks the classic verbs."""

import threading
from typing import Any

import pytest
from sqlalchemy import text

from dash_reading import code_of, count, heard, kinds, logged_in, status
from dash_world import MAKER, MODEL, Endpoint, World
from zodra_cloud.dash import service as dash
from zodra_cloud.households import service as households
from zodra_cloud.households.models import Metering
from zodra_cloud.ingest import service as needs
from zodra_cloud.merchants.port import ShopOrderState, ShopRefusal
from zodra_cloud.replenish import service as replenish


def test_from_login_to_delivery(world_on_both: World, endpoint: Endpoint) -> None:
    world = world_on_both
    tokens = world.login()
    told = heard(world, endpoint)
    assert sorted(kinds(told)) == [
        "DeviceRegisteredNotification",
        "SubscriptionChangedNotification",
    ]
    called = world.replenish(tokens.access)
    assert code_of(called) == "STANDARD_ORDER_PLACED"
    instance = called.json()["eventInstanceId"]
    assert len(instance) <= 255
    assert heard(world, endpoint) == []
    assert status(world, tokens.access, instance) == "Pending"
    again = world.replenish(tokens.access).json()
    assert again == {"eventInstanceId": instance, "detailCode": "ORDER_INPROGRESS"}
    world.confirm()
    (placed,) = heard(world, endpoint)
    assert placed["notificationInfo"]["notificationType"] == "OrderPlacedNotification"
    assert placed["orderInfo"]["instanceId"] == instance
    assert placed["orderInfo"]["productInfo"] == [
        {
            "asin": "paper-towels-6",
            "quantity": 1,
            "unit": "count",
            "estimatedDeliveryDate": "2026-11-25T12:00:00.000Z",
        }
    ]
    assert status(world, tokens.access, instance) == "Processing"
    world.deliver(ShopOrderState.SHIPPED)
    assert kinds(heard(world, endpoint)) == ["ItemShippedNotification"]
    assert code_of(world.replenish(tokens.access)) == "ORDER_INPROGRESS"
    world.deliver(ShopOrderState.DELIVERED)
    assert status(world, tokens.access, instance) == "Closed"
    world.clock.advance(120)
    assert code_of(world.replenish(tokens.access)) == "STANDARD_ORDER_PLACED"
    assert heard(world, endpoint) == []


@pytest.mark.parametrize("end", ["declined", "expired", "sold_out", "cancelled_by_shop"])
def test_what_ends_without_a_delivery_is_told_and_frees_the_slot(
    world: World, endpoint: Endpoint, token: str, end: str
) -> None:
    if end == "sold_out":
        world.home.shop.refuses = ShopRefusal.OUT_OF_STOCK
    instance = world.replenish(token).json()["eventInstanceId"]
    world.work()
    if end == "declined":
        world.decline()
    elif end == "expired":
        world.clock.advance(15 * 60)
    elif end == "cancelled_by_shop":
        world.confirm()
        assert kinds(heard(world, endpoint)) == ["OrderPlacedNotification"]
        world.deliver(ShopOrderState.CANCELLED)
    (told,) = heard(world, endpoint)
    assert told["notificationInfo"]["notificationType"] == "OrderCancelledNotification"
    assert told["orderInfo"] == {"instanceId": instance, "slotId": "beans"}
    assert status(world, token, instance) == "Cancelled"
    world.home.shop.refuses = None
    world.clock.advance(120)
    assert code_of(world.replenish(token)) == "STANDARD_ORDER_PLACED"


def test_an_order_that_shipped_and_arrived_unseen_is_told_step_by_step(
    world: World, endpoint: Endpoint, token: str
) -> None:
    world.replenish(token)
    world.work()
    with world.database.write(world.home.household_id) as connection:
        quote = world.home.open_quote(connection)
        replenish.confirm(
            connection,
            world.home.household_id,
            quote.quote_id,
            snapshot_hash=quote.snapshot_hash or "",
            label="Order with obligation to pay",
            language="en",
            person_id="u-1",
            now=world.clock.now(),
            changes=world.home.changes,
        )
    world.home.work()  # handles every job but does not listen for the maker
    world.deliver(ShopOrderState.DELIVERED)
    assert sorted(kinds(heard(world, endpoint))) == [
        "ItemShippedNotification",
        "OrderPlacedNotification",
    ]


def test_a_repeated_call_opens_one_need(world: World, token: str) -> None:
    answers = [world.replenish(token).json() for _ in range(5)]
    world.work()
    assert len({each["eventInstanceId"] for each in answers}) == 1
    assert [each["detailCode"] for each in answers] == [
        "STANDARD_ORDER_PLACED",
        *["ORDER_INPROGRESS"] * 4,
    ]
    assert (count(world, "need_signals"), count(world, "quotes")) == (1, 1)


def test_a_named_call_is_answered_as_the_first_time_for_ever(world_on_both: World) -> None:
    world = world_on_both
    token = logged_in(world)
    named = {"idempotency-key": "boot-7:42"}
    first = world.replenish(token, **named).json()
    assert world.replenish(token, **named).json() == first
    world.work()
    world.decline()
    world.clock.advance(600)
    assert world.replenish(token, **named).json() == first
    fresh = world.replenish(token, **{"idempotency-key": "boot-7:43"}).json()
    assert fresh["eventInstanceId"] != first["eventInstanceId"]
    assert fresh["detailCode"] == "STANDARD_ORDER_PLACED"
    assert count(world, "need_signals") == 2


def test_a_call_repeated_at_once_after_a_refusal_is_the_same_call(world: World, token: str) -> None:
    first = world.replenish(token).json()
    world.work()
    world.decline()
    assert world.replenish(token).json() == first
    world.clock.advance(61)
    assert world.replenish(token).json()["eventInstanceId"] != first["eventInstanceId"]


def test_what_was_opened_another_way_is_in_progress_too(world: World, token: str) -> None:
    first = world.replenish(token).json()
    world.work()
    with world.database.write() as connection:
        connection.execute(text("UPDATE dash_events SET ended_at = 0, made_at = 0"))
    second = world.replenish(token)
    assert code_of(second) == "ORDER_INPROGRESS"
    assert second.json()["eventInstanceId"] != first["eventInstanceId"]
    assert status(world, token, second.json()["eventInstanceId"]) == "Pending"
    assert count(world, "need_signals") == 1


def test_the_need_stands_on_the_households_page_and_explains_itself(
    world: World, token: str
) -> None:
    world.replenish(token)
    world.work()
    browser = world.browser()
    page = browser.get("/").text
    assert "Crema coffee machine" in page
    assert "Order with obligation to pay" in page
    with world.database.read() as connection:
        (need,) = needs.recent_signals(connection, world.home.household_id, 10)
    assert (need.gateway_id, need.authenticated) == ("dash", True)
    assert browser.get(f"/needs/{need.signal_id}/why").status_code == 200


def test_what_the_device_reports_reaches_the_household(world_on_both: World) -> None:
    world = world_on_both
    token = logged_in(world)
    told = {
        "expectedReplenishmentDate": "2026-12-01T00:00:00Z",
        "remainingQuantityInUnit": 12.5,
        "originalQuantityInUnit": 50,
        "totalQuantityOnHand": 20,
        "lastUseDate": "2026-11-21",
        "somethingElse": True,
    }
    said = world.call("POST", "/slotStatus/water", "SlotStatus", token, json=told)
    assert (said.status_code, said.json()) == (200, {})
    active = {"mostRecentlyActiveDate": "2015-06-01"}
    said = world.call("POST", "/deviceStatus", "DeviceStatus", token, json=active)
    assert said.status_code == 200, said.text
    with world.database.read() as connection:
        (device,) = households.devices(connection, world.home.household_id)
    assert device.last_heard_at == world.clock.now()
    assert [(each.kind, each.value) for each in device.readings] == [("remaining_units", 12.5)]
    # What a forecast rests on, exactly as if a gateway had brought it.
    assert count(world, "slot_readings") == 1


def test_a_slot_that_counts_its_use_takes_the_devices_count(world: World) -> None:
    spec = MODEL.slots[1].model_copy(update={"metering": Metering.USAGE, "units_per_item": 50.0})
    model = MODEL.model_copy(update={"model": "Crema-U", "slots": (spec,)})
    with world.database.write() as connection:
        dash.put_model(connection, MAKER, model, now=world.clock.now())
    token = world.login(device={"device_model": "Crema-U"}).access
    left = {"remainingQuantityInUnit": 3.5}
    said = world.call("POST", "/slotStatus/water", "SlotStatus", token, json=left)
    assert said.status_code == 200, said.text
    assert count(world, "slot_counts") == 1


def test_a_device_that_leaves_takes_what_it_measured_along_and_only_that(
    world_on_both: World,
) -> None:
    """It may be sold, or move to another home: nothing of this one stays behind."""
    world = world_on_both
    tokens = [
        world.login(device={"serial": serial}, picks={"water": "trv-filter"}).access
        for serial in ("SN-leaves", "SN-stays")
    ]
    for token in tokens:
        told = {"remainingQuantityInUnit": 40.0}
        world.call("POST", "/slotStatus/water", "SlotStatus", token, json=told)
    assert count(world, "slot_readings") == 2
    gone = world.call("DELETE", "/registration", "Deregister", tokens[0], sent="2.0")
    assert gone.status_code == 200, gone.text
    assert count(world, "slot_readings") == 1
    assert world.call("GET", "/subscriptionInfo", "SubscriptionInfo", tokens[1]).status_code == 200


def test_another_devices_name_deregisters_nothing(world: World, token: str) -> None:
    path = "/deviceModels/Crema-2/devices/SN-other/registration"
    assert world.call("DELETE", path, "Deregister", token).status_code == 400
    assert code_of(world.replenish(token)) == "STANDARD_ORDER_PLACED"


def test_a_test_device_rehearses_everything_and_orders_nothing(
    world_on_both: World, endpoint: Endpoint
) -> None:
    world = world_on_both
    token = world.login(device={"is_test_device": True}).access
    heard(world, endpoint)
    first = world.replenish(token)
    assert code_of(first) == "TEST_ORDER_PLACED"
    instance = first.json()["eventInstanceId"]
    assert kinds(heard(world, endpoint)) == ["OrderPlacedNotification"]
    assert code_of(world.replenish(token)) == "ORDER_INPROGRESS"
    ended = world.call("DELETE", "/testOrders", "CancelTestOrders", token)
    assert ended.json() == {
        "slotOrderStatuses": [
            {"orderStatus": "NO_ORDER_IN_PROGRESS", "slotId": "beans"},
            {"orderStatus": "NO_ORDER_IN_PROGRESS", "slotId": "water"},
        ]
    }
    assert kinds(heard(world, endpoint)) == ["OrderCancelledNotification"]
    assert status(world, token, instance) == "Cancelled"
    world.clock.advance(61)
    assert kinds(heard(world, endpoint)) == []
    assert code_of(world.replenish(token)) == "TEST_ORDER_PLACED"
    world.clock.advance(60)
    assert kinds(heard(world, endpoint)) == ["OrderPlacedNotification", "ItemShippedNotification"]
    path = "/testOrders/slots/beans"
    assert world.call("DELETE", path, "CancelTestOrders", token).status_code == 200
    assert kinds(heard(world, endpoint)) == []
    assert (count(world, "need_signals"), count(world, "orders")) == (0, 0)
    assert world.home.shop.orders == {}


def test_many_calls_at_once_open_one_need(world_on_both: World) -> None:
    world = world_on_both
    token = logged_in(world)
    answers: list[Any] = []
    gate = threading.Barrier(6)

    def call() -> None:
        gate.wait()
        answers.append(world.replenish(token))

    threads = [threading.Thread(target=call) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    codes = sorted(code_of(each) for each in answers)
    assert codes == [*["ORDER_INPROGRESS"] * 5, "STANDARD_ORDER_PLACED"]
    assert count(world, "need_signals") == 1


def test_a_device_that_becomes_a_test_device_is_bound_to_nothing_any_more(
    world: World, endpoint: Endpoint, token: str
) -> None:
    rehearsing = world.login(device={"is_test_device": True}).access
    with world.database.read() as connection:
        (device,) = households.devices(connection, world.home.household_id)
    assert [slot.sku for slot in device.slots] == [None, None]
    assert code_of(world.replenish(rehearsing)) == "TEST_ORDER_PLACED"
    earnest = world.login().access
    world.clock.advance(120)
    assert code_of(world.replenish(earnest)) == "STANDARD_ORDER_PLACED"


def test_a_device_comes_back_after_it_was_let_go(
    world: World, endpoint: Endpoint, token: str
) -> None:
    world.call("DELETE", "/registration", "Deregister", token, sent="2.0")
    again = world.login().access
    assert code_of(world.replenish(again)) == "STANDARD_ORDER_PLACED"
    names = [each["customerInfo"]["directedCustomerId"] for each in heard(world, endpoint)]
    assert len(set(names)) == 1


def test_a_real_device_has_no_test_orders(world: World, token: str) -> None:
    refused = world.call("DELETE", "/testOrders", "CancelTestOrders", token)
    assert refused.status_code == 400
