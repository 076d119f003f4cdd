"""Reading a page as a browser does: forms, their controls, the words for machines, its stream."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zodra_sim.demo.person.browser import Browser, PageError, read_page

PAGE = """
<li class="line" id="line-p_1" data-device="btn" data-state="asked"><b>x</b></li>
<form method="post" action="/quotes/q_1/confirm">
<input type="hidden" name="form_token" value="t&amp;1">
<button class="confirm">Order with obligation to pay</button></form>
<form method="post" action="/quotes/q_1/decline"><button>Not now</button></form>
<form method="post" action="/consents/offers">
<input type="checkbox" name="sure"><input type="checkbox" name="told" checked>
<button name="granted" value="true">off</button></form>
<div data-why="/x"></div>
"""


def test_a_form_is_found_by_its_address_with_its_token_and_label() -> None:
    (form,) = read_page("http://x/", PAGE).forms_to("/quotes/", "/confirm")
    assert form.fields == {"form_token": "t&1"}
    assert form.label == "Order with obligation to pay"
    assert form.method == "post"


def test_buttons_and_ticked_boxes_are_sent_as_a_browser_does() -> None:
    (form,) = read_page("http://x/", PAGE).forms_to("/consents/offers")
    assert form.fields == {"told": "on"}
    assert form.buttons == (("granted", "true"),)


def test_machine_words_are_found_beside_the_id() -> None:
    (line,) = read_page("http://x/", PAGE).marked_with("state")
    assert line == {"id": "line-p_1", "data-device": "btn", "data-state": "asked"}


@given(st.text())
def test_any_text_is_read_without_a_fault(text: str) -> None:
    read_page("http://x/", text)


STREAM = b"""HTTP/1.1 200 OK\r
content-type: text/event-stream\r
connection: close\r
\r
id: 1
retry: 2000
data: <li>
data:   <b>a part of three lines</b>
data: </li>

: unchanged

id: 2
data: <li></li>

data: cut off"""


@pytest.mark.enable_socket
async def test_an_event_of_the_live_stream_is_one_change_however_many_lines_it_has() -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(STREAM)
        writer.close()
        await writer.wait_closed()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        browser = Browser(f"http://127.0.0.1:{port}", "en")
        assert len([each async for each in browser.changes("/events")]) == 2
        await browser.close()
        server.close()
        with pytest.raises(PageError):
            await anext(aiter(Browser(f"http://127.0.0.1:{port}", "en").changes("/events")))
