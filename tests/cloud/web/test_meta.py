"""What machines ask for, and errors in the reader's language."""

import pytest
from starlette.testclient import TestClient

from web_home import Home
from web_reading import text_of
from zodra_cloud.store.engine import Database


def test_health_says_whether_the_database_answers(stranger: TestClient) -> None:
    answer = stranger.get("/healthz")
    assert (answer.status_code, answer.json()) == (200, {"status": "ok", "database": "ok"})


def test_a_phone_can_keep_the_page(stranger: TestClient) -> None:
    manifest = stranger.get("/manifest.webmanifest")
    assert manifest.headers["content-type"] == "application/manifest+json"
    icon = stranger.get(manifest.json()["icons"][0]["src"])
    assert icon.headers["content-type"] == "image/svg+xml"
    assert "immutable" in icon.headers["cache-control"]
    assert stranger.get("/favicon.ico").headers["location"].startswith("/static/favicon.svg")


def test_pages_are_not_stored_by_browsers(resident: TestClient) -> None:
    assert resident.get("/").headers["cache-control"] == "no-store"


@pytest.mark.parametrize(
    ("language", "title"), [("en", "There is nothing here"), ("nl", "Hier is niets")]
)
def test_a_page_that_is_not_there_says_so(stranger: TestClient, language: str, title: str) -> None:
    answer = stranger.get("/nowhere", headers={"accept-language": language})
    assert answer.status_code == 404
    assert title in text_of(answer.text)


def test_a_fault_of_ours_says_so_and_nothing_else(home: Home, database: Database) -> None:
    client = TestClient(home.app(), raise_server_exceptions=False)
    with database.write() as connection:
        connection.exec_driver_sql("ALTER TABLE sign_in_links RENAME TO lost")
    answer = client.post("/sign-in", data={"token": "any"}, headers={"accept-language": "en"})
    assert answer.status_code == 500
    assert "Something broke on our side" in text_of(answer.text)
    assert "sign_in_links" not in answer.text
    assert "default-src 'none'" in answer.headers["content-security-policy"]


def test_a_form_that_is_not_whole_is_refused(stranger: TestClient) -> None:
    answer = stranger.post("/sign-in", headers={"accept-language": "en"})
    assert answer.status_code == 400
    assert "That did not arrive in one piece" in text_of(answer.text)
