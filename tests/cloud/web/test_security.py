"""Headers, origins, form tokens and limits."""

import pytest
from starlette.datastructures import Headers
from starlette.testclient import TestClient

from web_home import Home
from zodra_cloud.web.security import (
    BODY_BYTES_MAX,
    AttemptLimit,
    StreamLimit,
    form_token,
    from_own_pages,
    is_form_token,
)

OWN = "https://home.example"


@pytest.mark.parametrize("path", ["/sign-in", "/nowhere", "/static/app.css", "/healthz", "/"])
def test_every_answer_carries_the_strict_headers(stranger: TestClient, path: str) -> None:
    headers = stranger.get(path).headers
    policy = headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self'")
    assert "unsafe" not in policy
    for directive in ("form-action 'self'", "base-uri 'none'", "frame-ancestors 'none'"):
        assert directive in policy
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "same-origin"
    assert headers["cross-origin-opener-policy"] == "same-origin"


@pytest.mark.parametrize(
    ("headers", "own"),
    [
        ({"sec-fetch-site": "same-origin"}, True),
        ({"sec-fetch-site": "none"}, True),
        ({"sec-fetch-site": "same-site"}, False),
        ({"sec-fetch-site": "cross-site"}, False),
        ({"sec-fetch-site": "cross-site", "origin": OWN}, False),
        ({"origin": OWN}, True),
        ({"origin": "https://elsewhere.example", "host": "home.example"}, False),
        ({"origin": "http://127.0.0.1:8080", "host": "127.0.0.1:8080"}, True),
        ({"origin": "null"}, False),
        ({}, True),
    ],
)
def test_an_unsafe_request_comes_from_our_own_pages(headers: dict[str, str], own: bool) -> None:
    assert from_own_pages(Headers(headers), OWN) is own


def test_a_form_on_another_site_changes_nothing(home: Home, resident: TestClient) -> None:
    answer = resident.post(
        "/consents/offers", data={"granted": "false"}, headers={"sec-fetch-site": "cross-site"}
    )
    assert answer.status_code == 403
    assert "This page is not for you" not in answer.text
    assert "another site" in answer.text
    assert resident.get("/").text.count('aria-checked="true"') == 2


@pytest.mark.parametrize("given", ["", "0" * 64, "é"])
def test_a_form_without_the_sessions_token_changes_nothing(
    resident: TestClient, given: str
) -> None:
    answer = resident.post("/consents/offers", data={"granted": "false", "form_token": given})
    assert answer.status_code == 403
    assert resident.get("/").text.count('aria-checked="true"') == 2


def test_a_token_belongs_to_one_session() -> None:
    assert is_form_token(form_token("session-a"), "session-a")
    assert not is_form_token(form_token("session-a"), "session-b")


def test_a_body_that_is_too_large_is_refused(stranger: TestClient) -> None:
    answer = stranger.post("/sign-in", data={"token": "x" * BODY_BYTES_MAX})
    assert answer.status_code == 413


def test_attempts_come_back_with_time() -> None:
    limit = AttemptLimit(per_minute=3)
    assert [limit.allow("a", 0.0) for _ in range(4)] == [True, True, True, False]
    assert limit.allow("b", 0.0)
    assert [limit.allow("a", 21.0) for _ in range(2)] == [True, False]


def test_the_memory_of_attempts_is_bounded() -> None:
    limit = AttemptLimit(per_minute=1, addresses_max=2)
    assert [limit.allow(address, 0.0) for address in ("a", "b", "c")] == [True] * 3
    assert len(limit._left) == 2
    assert not limit.allow("c", 0.0)


def test_a_session_opens_so_many_streams_and_no_more() -> None:
    limit = StreamLimit(per_session=2)
    assert [limit.take("a"), limit.take("a"), limit.take("a"), limit.take("b")] == [
        True,
        True,
        False,
        True,
    ]
    limit.give_back("a")
    assert limit.take("a")


@pytest.mark.parametrize("path", ["/static/../app.py", "/static/%2e%2e/i18n.py", "/static/vendor"])
def test_nothing_but_the_static_files_is_served(stranger: TestClient, path: str) -> None:
    assert stranger.get(path).status_code == 404
