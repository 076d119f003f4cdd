"""Reads pages as a person does, and finds what their forms would send."""

import re
from html import unescape

from starlette.testclient import TestClient

from web_home import Home
from zodra_cloud.households.models import Role


def text_of(page: str) -> str:
    """What a person reads: no tags, no drawings, one space between words."""
    page = re.sub(r"<(script|style|svg|head)\b.*?</\1>", " ", page, flags=re.S)
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", " ", page)))


def form(page: str, action: str) -> tuple[str, dict[str, str]]:
    """Find the form whose address ends so, with everything that it would send."""
    found = re.search(rf'<form method="post" action="([^"]*{action})".*?</form>', page, re.S)
    assert found, action
    fields = re.findall(r'name="(\w+)" value="([^"]*)"', found[0])
    return found[1], {name: unescape(value) for name, value in fields}


def sign_in(home: Home, role: Role) -> TestClient:
    client = TestClient(home.app(), follow_redirects=False)
    answer = client.post("/sign-in", data={"token": home.link(role)})
    assert answer.status_code == 303
    return client
