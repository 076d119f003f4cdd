"""Errors outside of the verbs are JSON too: firmware reads `message`, a login library `error`."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from dash_world import World, still_world, versions

CLASSIC = versions("Replenish")


@pytest.fixture(scope="module")
def still(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with still_world(sqlite_template, tmp_path_factory.mktemp("still")) as world:
        yield world


@pytest.fixture
def device(still: World) -> TestClient:
    return TestClient(still.app(), raise_server_exceptions=False)


CASES = [
    ("GET", "/dash/nothing", 404),
    ("POST", "/dash/replenish/", 404),
    ("GET", "/dash/replenish/beans", 405),
    ("PUT", "/dash/deviceStatus", 405),
    ("POST", "/dash/slotStatus/a/b", 404),
]
cases = pytest.mark.parametrize(("method", "path", "status"), CASES)


@cases
def test_firmware_reads_a_message_out_of_json(
    device: TestClient, method: str, path: str, status: int
) -> None:
    answer = device.request(method, path, headers=CLASSIC)
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/json")
    assert answer.json()["message"]
    assert ("allow" in answer.headers) == (status == 405)


@cases
def test_whoever_is_no_firmware_gets_problem_details(
    device: TestClient, method: str, path: str, status: int
) -> None:
    answer = device.request(method, path)
    assert (answer.status_code, answer.headers["content-type"]) == (
        status,
        "application/problem+json",
    )
    told: dict[str, Any] = answer.json()
    assert (told["status"], told["type"]) == (status, "about:blank")
    assert told["title"]
    assert told["detail"] == told["message"]


def test_a_body_beyond_every_limit_is_answered_in_json(device: TestClient) -> None:
    answer = device.post("/dash/deviceStatus", content=b"x" * 1_000_000, headers=CLASSIC)
    assert answer.status_code in (400, 413)
    assert answer.headers["content-type"] == "application/json"
    assert answer.json()["message"]


def test_a_login_library_reads_an_error_code(device: TestClient) -> None:
    for path in ("/oauth/token", "/oauth/revoke", "/auth/o2/token"):
        answer = device.get(path)
        assert (answer.status_code, answer.headers["content-type"]) == (405, "application/json")
        assert answer.json()["error"] == "invalid_request"


def test_a_fault_of_ours_is_json_with_the_headers_of_every_answer(still: World) -> None:
    app = still.app()

    @app.get("/dash/fault")
    def fault() -> None:
        raise RuntimeError("secret of ours")

    device = TestClient(app, raise_server_exceptions=False)
    answer = device.get("/dash/fault", headers=CLASSIC)
    assert (answer.status_code, answer.headers["content-type"]) == (500, "application/json")
    assert "secret" not in answer.text
    assert answer.headers["x-content-type-options"] == "nosniff"


def test_people_still_get_a_page(device: TestClient) -> None:
    for path in ("/nothing", "/dashboard", "/oauth/nothing"):
        assert device.get(path).headers["content-type"].startswith("text/html"), path


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "code"),
    [
        ("GET", "/merchants/ucp/events/", b"", 404, "not_found"),
        ("POST", "/merchants/nobody/events", b"", 404, "not_found"),
        ("POST", "/merchants/ucp/events", b"x" * 100_000, 413, "too_large"),
        ("POST", "/payments/stripe/events", b"{}", 404, "not_found"),
    ],
)
def test_a_shop_that_is_refused_is_sent_no_page(
    device: TestClient, method: str, path: str, body: bytes, status: int, code: str
) -> None:
    answer = device.request(method, path, content=body)
    assert (answer.status_code, answer.headers["content-type"]) == (
        status,
        "application/problem+json",
    )
    assert (answer.json()["code"], answer.json()["next"]) == (code, "correct")
