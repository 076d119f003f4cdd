"""One-time links, sessions and the choice of language."""

import pytest
from starlette.testclient import TestClient

from cloud_builders import FakeClock
from web_home import Home


def test_looking_at_a_link_does_not_use_it_up(stranger: TestClient, home: Home) -> None:
    token = home.link()
    for _ in range(3):
        page = stranger.get("/sign-in", params={"token": token})
        assert (page.status_code, f'value="{token}"' in page.text) == (200, True)
        assert "set-cookie" not in page.headers
    assert stranger.post("/sign-in", data={"token": token}).status_code == 303
    assert stranger.get("/").status_code == 200


def test_a_link_works_once(home: Home, stranger: TestClient) -> None:
    token = home.link()
    assert stranger.post("/sign-in", data={"token": token}).status_code == 303
    again = stranger.post("/sign-in", data={"token": token})
    assert again.status_code == 410
    assert "This link no longer works" in again.text


def test_a_link_works_for_fifteen_minutes(
    home: Home, stranger: TestClient, clock: FakeClock
) -> None:
    token = home.link()
    clock.advance(15 * 60 + 1)
    assert stranger.post("/sign-in", data={"token": token}).status_code == 410


@pytest.mark.parametrize(
    ("public_url", "name", "secure"),
    [
        ("http://127.0.0.1:8080", "zodra_session", False),
        ("https://home.example", "__Host-zodra_session", True),
    ],
)
def test_the_session_cookie_is_kept_from_scripts_and_other_sites(
    home: Home, public_url: str, name: str, secure: bool
) -> None:
    client = TestClient(home.app(public_url), follow_redirects=False)
    given = client.post("/sign-in", data={"token": home.link()}).headers["set-cookie"]
    assert given.startswith(f"{name}=")
    assert "HttpOnly" in given
    assert "SameSite=lax" in given
    assert "Path=/" in given
    assert ("Secure" in given) is secure
    assert "Domain" not in given


def test_guessing_links_is_slowed_down(stranger: TestClient) -> None:
    answers = [
        stranger.post("/sign-in", data={"token": f"guess-{number}"}).status_code
        for number in range(25)
    ]
    assert answers[:20] == [410] * 20
    assert answers[20:] == [429] * 5


def test_the_language_is_chosen_before_and_after_signing_in(
    stranger: TestClient, home: Home
) -> None:
    assert stranger.get("/sign-in", headers={"accept-language": "de"}).text.count('lang="nl"') == 2
    english = stranger.get("/sign-in", headers={"accept-language": "en-GB,nl;q=0.5"})
    assert "Please sign in" in english.text
    answer = stranger.post("/language", data={"language": "nl", "back": "https://evil.example"})
    assert answer.headers["location"] == "/"
    assert "Log in, alsjeblieft" in stranger.get("/sign-in").text
    stranger.post("/sign-in", data={"token": home.link()})
    assert "Wat je toestaat" in stranger.get("/").text
    assert stranger.post("/language", data={"language": "fr"}).status_code == 400
