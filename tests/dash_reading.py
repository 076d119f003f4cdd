"""What a device is answered, what its maker is told, and what the service keeps of both."""

from typing import Any

from sqlalchemy import text

from dash_world import Endpoint, World


def heard(world: World, endpoint: Endpoint) -> list[dict[str, Any]]:
    world.work()
    return endpoint.verified(world.event_secret, world.clock.now())


def kinds(told: list[dict[str, Any]]) -> list[str]:
    return [each["notificationInfo"]["notificationType"] for each in told]


def code_of(answer: Any) -> str:
    assert answer.status_code == 200, answer.text
    return str(answer.json()["detailCode"])


def count(world: World, table: str) -> int:
    with world.database.read() as connection:
        return int(connection.execute(text(f"SELECT count(*) FROM {table}")).scalar_one())


def logged_in(world: World) -> str:
    """Let a device in, and tell its maker of it."""
    tokens = world.login()
    world.work()
    return tokens.access


def status(world: World, token: str, instance: str) -> str:
    answer = world.call("GET", f"/getOrderInfo/{instance}", "OrderInfo", token)
    assert answer.status_code == 200, answer.text
    data = answer.json()["orderInfoData"]
    assert data["instanceId"] == instance
    (item,) = data["orderItems"]
    assert (item["slotId"], item["asin"], item["quantity"]) == ("beans", "paper-towels-6", 1)
    return str(item["status"])
