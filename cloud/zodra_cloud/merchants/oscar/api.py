"""One account at an oscarapi: asking, and the basket that a quote is made of."""

import base64
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from zodra_cloud.kit.outgoing import ANSWER_BYTES_MAX, Outgoing
from zodra_cloud.merchants.http import Said, ask, read_ok
from zodra_cloud.merchants.oscar import wire
from zodra_cloud.merchants.port import QuoteRequest, Refused, ShopFault, ShopRefusal, Unknown

SET_ASIDE_MAX: Final = 3

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Account:
    """Our account at the shop; its default delivery address is where orders go."""

    username: str
    password: str


class OscarApi:
    """The calls that the connector is made of. Safe to share between threads.

    Args:
        outgoing: to the shop's root.
        account: at the shop.
        api_path: where oscarapi is mounted.
    """

    def __init__(self, outgoing: Outgoing, account: Account, api_path: str) -> None:
        self._outgoing = outgoing
        self._api = api_path
        pair = base64.b64encode(f"{account.username}:{account.password}".encode()).decode()
        self._headers = {"Authorization": f"Basic {pair}"}
        # An account has one open basket; two quotes at a time would land in the same one.
        self._basket = threading.Lock()

    def close(self) -> None:
        """Close the connections."""
        self._outgoing.close()

    def fill(self, request: QuoteRequest) -> tuple[wire.Basket, wire.Method] | Refused | Unknown:
        """Put the wish into the open basket, price its way home, and set it aside."""
        with self._basket:
            return self._fill(request)

    def _fill(self, request: QuoteRequest) -> tuple[wire.Basket, wire.Method] | Refused | Unknown:
        basket = self._empty_basket()
        if not isinstance(basket, wire.Basket):
            return basket
        product = self.link(f"/products/{request.sku}/")
        body = {"url": product, "quantity": request.quantity}
        said = self.ask("POST", self.link("/basket/add-product/"), body=body)
        if isinstance(said, Said) and said.status == 406:
            return Refused(ShopRefusal.OUT_OF_STOCK)
        methods = self.get("/basket/shipping-methods/", wire.read_methods)
        aside = self._set_aside(basket.basket_id)
        lines = self.get(f"/baskets/{basket.basket_id}/lines/", wire.read_lines)
        for answer in (read_ok(said, wire.read_basket), methods, aside, lines):
            if isinstance(answer, Refused | Unknown):
                return answer
        if lines != [(request.sku, request.quantity)] or not isinstance(methods, list):
            # Somebody else used the account at the same moment; ask again.
            return Unknown(ShopFault.INCONSISTENT)
        if not methods:
            return Refused(ShopRefusal.INVALID)
        return (aside, methods[0]) if isinstance(aside, wire.Basket) else aside

    def _empty_basket(self) -> wire.Basket | Refused | Unknown:
        """Give the open basket; one that a killed attempt left full is set aside first."""
        for _attempt in range(SET_ASIDE_MAX):
            basket = self.get("/basket/", wire.read_basket)
            if not isinstance(basket, wire.Basket):
                return basket
            lines = self.get(f"/baskets/{basket.basket_id}/lines/", wire.read_lines)
            if not isinstance(lines, list):
                return lines
            if not lines:
                return basket
            aside = self._set_aside(basket.basket_id)
            if not isinstance(aside, wire.Basket):
                return aside
        return Unknown(ShopFault.INCONSISTENT)

    def _set_aside(self, basket_id: int) -> wire.Basket | Refused | Unknown:
        path = self.link(f"/baskets/{basket_id}/")
        return read_ok(self.ask("PATCH", path, body={"status": "Saved"}), wire.read_basket)

    def address(self, country: str | None) -> wire.Address | Refused | Unknown:
        """Give the account's delivery address; it must be in `country`, if that is asked.

        The default one, or else the oldest: two checkouts at the same moment make oscar forget
        which is the default (seen on 4.2.1; it clears the mark, and writes back what it read).
        """
        addresses = self.get("/useraddresses/", wire.read_addresses)
        if not isinstance(addresses, list):
            return addresses
        addresses.sort(key=lambda each: (not each.is_default_for_shipping, each.id))
        if not addresses or country not in (None, wire.last_id(addresses[0].country)):
            return Refused(ShopRefusal.INVALID)
        return addresses[0]

    def get(
        self, path: str, reader: Callable[[object], _T], missing: ShopRefusal | None = None
    ) -> _T | Refused | Unknown:
        """Read one thing below the interface; `missing` if the shop says that there is none."""
        said = self.ask("GET", self.link(path))
        if isinstance(said, Said) and said.status == 404 and missing is not None:
            return Refused(missing)
        return read_ok(said, reader)

    def link(self, path: str) -> str:
        """Write a path below the interface, which is also how it takes links."""
        return f"{self._api}{path}"

    def ask(
        self,
        method: str,
        path: str,
        *,
        body: dict[str, Any] | None = None,
        query: dict[str, str] | None = None,
        headers: dict[str, str] | None = None,
        bytes_max: int = ANSWER_BYTES_MAX,
    ) -> Said | Refused | Unknown:
        """Ask under the account; see `merchants.http.ask`."""
        said = ask(
            self._outgoing,
            method,
            path,
            body=body,
            query=query,
            headers={**self._headers, **(headers or {})},
            bytes_max=bytes_max,
        )
        detailed = isinstance(said, Said) and isinstance(said.raw, dict) and "detail" in said.raw
        if isinstance(said, Said) and said.status in (401, 403) and detailed:
            return Refused(ShopRefusal.UNAUTHORIZED)
        return said
