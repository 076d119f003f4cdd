"""Many orders, each through a seeded row of faults, on every real shop: one order a key, always.

`make merchants` runs it; ORDERS and SEED set how many and which.
"""

import os
import random
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from merchants.peers import Connector, Peer
from merchants.test_contract import NO_ORDER, place, quoted
from zodra_cloud.merchants.port import Refused, ShopOrder, ShopQuote, Unknown

ORDERS = int(os.environ.get("ORDERS") or 60)
SEED = int(os.environ.get("SEED") or 4)
ATTEMPTS_MAX = 8
KINDS = ("lose", "drop", "fail", "garble", "nonsense", "huge", "redirect", "cut", "twice", "kill")


def attempt(shop: Connector, quote: ShopQuote, key: str) -> ShopOrder | Refused | Unknown:
    """What our service does after an unclear attempt: search, and place if there is none."""
    found = shop.find(key)
    return place(shop, quote, key) if found == NO_ORDER else found


def suffer(peer: Peer, quote: ShopQuote, key: str, kind: str, dice: random.Random) -> None:
    """Go through one fault; whatever comes of it, nobody hears."""
    dying = peer.connect(20.0)
    if kind == "cut":
        peer.proxy.cut_after = dice.randrange(6)
        attempt(dying, quote, key)
    elif kind == "twice":
        with ThreadPoolExecutor(3) as pool:
            list(pool.map(lambda _number: attempt(dying, quote, key), range(3)))
    elif kind == "kill" and peer.restart is not None:
        placing = threading.Thread(target=attempt, args=(dying, quote, key))
        placing.start()
        placing.join(dice.uniform(0.0, 0.08))
        peer.restart()
        placing.join()
    elif kind != "kill":
        peer.proxy.break_next(kind, dice.choice(["", peer.placing]))
        attempt(dying, quote, key)
    dying.close()
    peer.proxy.mend()


@pytest.mark.long
def test_every_key_ends_with_exactly_one_order(peer: Peer, shop: Connector) -> None:
    dice = random.Random(f"{SEED} {peer.placing} {peer.gives_back}")
    for number in range(round(ORDERS * peer.share)):
        key = f"o_{dice.getrandbits(96):024x}"
        quote = quoted(shop, peer, key)
        for _fault in range(dice.randrange(1, 4)):
            # A shop starts in a second or two, so killing it is the rarest fault.
            kind = dice.choice(KINDS if number % 6 == 0 else KINDS[:-1])
            suffer(peer, quote, key, kind, dice)
        order: ShopOrder | Refused | Unknown = NO_ORDER
        for _again in range(ATTEMPTS_MAX):
            order = attempt(shop, quote, key)
            if isinstance(order, ShopOrder):
                break
        assert isinstance(order, ShopOrder), (number, order)
        assert order.reference == key
        assert peer.count(key) == 1, (number, key)
