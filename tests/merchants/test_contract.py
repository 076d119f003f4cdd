"""What every connector promises, on every shop: at most one order a key, and no wrong price.

The shops are real, behind a proxy that breaks what passes; how many orders there are is counted
in the shop itself.
"""

import uuid
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest

from merchants.peers import Connector, Peer
from merchants.started import Started
from zodra_cloud.kit.money import Money
from zodra_cloud.merchants.port import (
    CataloguePage,
    QuoteRequest,
    Refused,
    ShopFault,
    ShopItem,
    ShopOrder,
    ShopOrderState,
    ShopQuote,
    ShopRefund,
    ShopRefusal,
    Unknown,
)

NO_ORDER = Refused(ShopRefusal.ORDER_NOT_FOUND)
LESS_OFTEN = ("fail", "nonsense", "huge", "redirect")


@pytest.fixture
def key() -> str:
    return f"o_{uuid.uuid4().hex}"


def wish(key: str, sku: str, quantity: int = 2, country: str = "NL") -> QuoteRequest:
    return QuoteRequest(key, "b_1", sku, quantity, "EUR", country)


def ask(shop: Connector, peer: Peer, key: str) -> ShopQuote | Refused | Unknown:
    return shop.quote(wish(key, peer.sku), datetime.now(UTC))


def quoted(shop: Connector, peer: Peer, key: str) -> ShopQuote:
    quote = ask(shop, peer, key)
    assert isinstance(quote, ShopQuote), quote
    return quote


def place(shop: Connector, quote: ShopQuote, key: str) -> ShopOrder | Refused | Unknown:
    return shop.place(quote.session_id, key, Money(quote.total_minor, quote.currency))


def ordered(answer: object) -> ShopOrder:
    assert isinstance(answer, ShopOrder), answer
    return answer


def test_the_catalogue_is_read_page_by_page(shop: Connector, peer: Peer) -> None:
    items: list[ShopItem] = []
    cursor: str | None = None
    for _page in range(10):
        page = shop.catalogue(cursor)
        assert isinstance(page, CataloguePage), page
        items += page.items
        if (cursor := page.next_cursor) is None:
            break
    (item,) = [each for each in items if each.sku == peer.sku]
    assert len({each.sku for each in items}) == len(items)
    assert item.available
    assert item.unit_price == Money(799, "EUR")


def test_a_quote_has_everything_that_must_be_shown(shop: Connector, peer: Peer, key: str) -> None:
    quote = quoted(shop, peer, key)
    assert (quote.sku, quote.quantity, quote.currency) == (peer.sku, 2, "EUR")
    assert (quote.unit_price_minor, quote.goods_minor) == (799, 1598)
    assert quote.goods_minor + quote.shipping_minor == quote.total_minor == 1893
    assert 0 < quote.vat_minor < quote.total_minor
    assert quote.delivery_from_at <= quote.delivery_to_at
    assert quote.expires_at > datetime.now(UTC)
    assert quote.titles[""]
    assert quote.delivery_title
    assert quote.terms_url
    assert quote.returns_days == 14


def test_a_repeat_and_a_search_give_the_one_order(shop: Connector, peer: Peer, key: str) -> None:
    quote = quoted(shop, peer, key)
    assert shop.find(key) == NO_ORDER
    order = ordered(place(shop, quote, key))
    assert (order.reference, order.total) == (key, Money(1893, "EUR"))
    assert order.state is ShopOrderState.PLACED
    assert place(shop, quote, key) == order
    assert shop.find(key) == order == shop.order(order.order_id)
    assert peer.count(key) == 1


def test_many_at_once_under_one_key_are_one_order(shop: Connector, peer: Peer, key: str) -> None:
    quote = quoted(shop, peer, key)
    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(lambda _number: place(shop, quote, key), range(6)))
    assert peer.count(key) == 1
    order = ordered(shop.find(key))
    assert all(answer == order or isinstance(answer, Unknown) for answer in answers), answers


@pytest.mark.parametrize("kind", ["drop", "hang"])
def test_accepted_and_then_lost_is_found_and_never_ordered_again(
    shop: Connector, hasty: Connector, peer: Peer, key: str, kind: str
) -> None:
    quote = quoted(shop, peer, key)
    peer.proxy.break_next(kind, peer.placing)
    assert isinstance(place(hasty, quote, key), Unknown)
    order = ordered(shop.find(key))
    assert place(shop, quote, key) == order
    assert peer.count(key) == 1


@pytest.mark.parametrize(
    "kind",
    [
        *("lose", "garble"),
        *(pytest.param(kind, marks=pytest.mark.long) for kind in LESS_OFTEN),
    ],
)
def test_never_arrived_is_unknown_and_a_retry_orders_once(
    shop: Connector, peer: Peer, key: str, kind: str
) -> None:
    quote = quoted(shop, peer, key)
    peer.proxy.break_next(kind, peer.placing)
    assert isinstance(place(shop, quote, key), Unknown)
    assert peer.count(key) == 0
    assert shop.find(key) == NO_ORDER
    assert ordered(place(shop, quote, key)).reference == key
    assert peer.count(key) == 1


@pytest.mark.parametrize(
    "cuts", [pytest.param((0, 4), id="some"), pytest.param(range(12), marks=pytest.mark.long)]
)
def test_an_end_after_any_request_leaves_at_most_one_order(
    shop: Connector, peer: Peer, key: str, cuts: Sequence[int]
) -> None:
    """Whoever comes back after a kill searches first, then places; wherever the cut was."""
    for cut in cuts:
        quote = quoted(shop, peer, f"{key}_{cut}")
        dying = peer.connect(20.0)
        peer.proxy.cut_after = cut
        place(dying, quote, f"{key}_{cut}")
        dying.close()
        peer.proxy.mend()
        found = shop.find(f"{key}_{cut}")
        if found == NO_ORDER:
            found = place(shop, quote, f"{key}_{cut}")
        ordered(found)
        assert peer.count(f"{key}_{cut}") == 1


def test_a_second_quote_under_the_same_key_makes_no_second_order(
    shop: Connector, peer: Peer, key: str
) -> None:
    order = ordered(place(shop, quoted(shop, peer, key), key))
    again = place(shop, quoted(shop, peer, key), key)
    assert again == order or again in (
        Refused(ShopRefusal.ALREADY_COMPLETED),
        Refused(ShopRefusal.KEY_CONFLICT),
    )
    assert peer.count(key) == 1


def test_a_price_that_changed_since_the_quote_is_not_paid(
    shop: Connector, peer: Peer, key: str
) -> None:
    quote = quoted(shop, peer, key)
    peer.reprice(True)
    try:
        answer = place(shop, quote, key)
    finally:
        peer.reprice(False)
    if peer.holds_price:
        assert ordered(answer).total == Money(1893, "EUR")
        return
    assert answer == Refused(ShopRefusal.PRICE_CHANGED)
    assert peer.count(key) == 0


def test_another_total_than_was_confirmed_is_not_paid(
    shop: Connector, peer: Peer, key: str
) -> None:
    quote = quoted(shop, peer, key)
    cheaper = Money(quote.total_minor - 1, quote.currency)
    assert shop.place(quote.session_id, key, cheaper) == Refused(ShopRefusal.PRICE_CHANGED)
    assert peer.count(key) == 0


def test_what_is_sold_out_is_neither_quoted_nor_ordered(
    shop: Connector, peer: Peer, key: str
) -> None:
    quote = quoted(shop, peer, key)
    peer.empty(True)
    try:
        assert place(shop, quote, key) == Refused(ShopRefusal.OUT_OF_STOCK)
        assert ask(shop, peer, f"{key}_2") == Refused(ShopRefusal.OUT_OF_STOCK)
    finally:
        peer.empty(False)
    assert peer.count(key) == 0


def test_a_part_of_what_was_asked_is_never_quoted(shop: Connector, peer: Peer, key: str) -> None:
    sku, too_many = peer.scarce
    part = shop.quote(wish(key, sku, too_many), datetime.now(UTC))
    assert part == Refused(ShopRefusal.OUT_OF_STOCK)


@pytest.mark.parametrize("name", ["currency", "negative", "quantity"])
def test_a_quote_that_is_wrong_in_itself_is_unknown(
    shop: Connector, peer: Peer, key: str, name: str
) -> None:
    match, pattern, becomes = peer.tampers[name]
    peer.proxy.break_next("rewrite", match, 9, pattern=pattern, becomes=becomes)
    answer = ask(shop, peer, key)
    assert answer in (Unknown(ShopFault.INCONSISTENT), Unknown(ShopFault.GARBLED))


@pytest.mark.parametrize(
    ("kind", "fault"),
    [
        ("lose", ShopFault.CONNECTION_LOST),
        ("fail", ShopFault.SERVER_ERROR),
        ("garble", ShopFault.GARBLED),
        ("nonsense", ShopFault.GARBLED),
        ("huge", ShopFault.OVERSIZED),
        ("redirect", ShopFault.REDIRECTED),
    ],
)
def test_a_shop_that_misbehaves_is_unknown_and_never_a_no(
    shop: Connector, peer: Peer, key: str, kind: str, fault: ShopFault
) -> None:
    peer.proxy.break_next(kind, times=99)
    assert ask(shop, peer, key) == Unknown(fault)
    assert shop.find(key) == Unknown(fault)
    assert shop.order("1") == Unknown(fault)


def test_an_answer_with_another_total_is_not_taken_for_the_order(
    shop: Connector, peer: Peer, key: str
) -> None:
    quote = quoted(shop, peer, key)
    peer.proxy.break_next("rewrite", times=99, pattern=r"18\.?93", becomes="1793")
    answer = place(shop, quote, key)
    assert isinstance(answer, Unknown | Refused), answer
    peer.proxy.mend()
    assert peer.count(key) <= 1


def test_what_the_shop_does_not_have_is_a_no(shop: Connector, peer: Peer, key: str) -> None:
    assert shop.order("99999999") == NO_ORDER
    assert shop.quote(wish(key, "99999999"), datetime.now(UTC)) == Refused(ShopRefusal.UNKNOWN_ITEM)
    nothing = shop.place("99999999.parcel", key, Money(1893, "EUR"))
    assert nothing == Refused(ShopRefusal.SESSION_GONE)
    abroad = shop.quote(wish(key, peer.sku, country="JP"), datetime.now(UTC))
    assert abroad == Refused(ShopRefusal.INVALID)


def test_a_wrong_key_is_a_no(peer: Peer, key: str) -> None:
    assert peer.wrong_key is not None
    stranger = peer.wrong_key()
    assert ask(stranger, peer, key) == Refused(ShopRefusal.UNAUTHORIZED)
    stranger.close()


def test_an_order_is_cancelled_once_and_its_money_given_back_once(
    shop: Connector, peer: Peer, key: str
) -> None:
    order = ordered(place(shop, quoted(shop, peer, key), key))
    half = Money(order.total.amount_minor // 2, "EUR")
    if not peer.gives_back:
        unable = Refused(ShopRefusal.UNSUPPORTED)
        assert shop.cancel(order.order_id) == shop.refund(order.order_id, key, half) == unable
        return
    given = shop.refund(order.order_id, f"r_{key}", half)
    assert isinstance(given, ShopRefund), given
    assert (given.order_id, given.amount) == (order.order_id, half)
    assert shop.refund(order.order_id, f"r_{key}", half) == given
    too_much = shop.refund(order.order_id, f"r2_{key}", order.total)
    assert too_much == Refused(ShopRefusal.NOT_REFUNDABLE)
    for _again in range(2):
        assert ordered(shop.cancel(order.order_id)).state is ShopOrderState.CANCELLED
    assert ordered(shop.find(key)).state is ShopOrderState.CANCELLED
    assert shop.cancel("99999999") == NO_ORDER


def test_an_order_from_before_the_plugin_is_known_to_it(started: Started, key: str) -> None:
    before, after = started("oscar"), started("oscar-plugin")
    plain, fuller = before.connect(20.0), after.connect(20.0)
    order = ordered(place(plain, quoted(plain, before, key), key))
    assert fuller.find(key) == order
    assert place(fuller, quoted(fuller, after, key), key) == order
    assert after.count(key) == 1
    plain.close()
    fuller.close()
