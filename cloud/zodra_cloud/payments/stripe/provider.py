"""The verbs of the port, as Stripe takes them.

Whatever an act is answered with, where the charge stands is read from the charge itself: an act
that was refused because it had been done already looks the same as one that was done.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, Final

from zodra_cloud.kit.money import Money
from zodra_cloud.kit.outgoing import TOTAL_TIMEOUT_S, Outgoing
from zodra_cloud.payments.policy import payable
from zodra_cloud.payments.port import (
    Charge,
    ChargeState,
    Link,
    MandateStatus,
    Page,
    Paying,
    PaymentFault,
    PaymentRefusal,
    Refund,
    Refused,
    Unknown,
)
from zodra_cloud.payments.stripe import wire
from zodra_cloud.payments.stripe.api import ask, segment
from zodra_cloud.payments.stripe.wire import KEY, ORDER

PAGE: Final = 100
PAGES_MAX: Final = 5
"""A household with more charges than that since an attempt began is not searched: unknown."""
CLOCKS_APART: Final = timedelta(hours=1)

_INTENTS: Final = "/v1/payment_intents"
_SESSIONS: Final = "/v1/checkout/sessions"
_JUDGED: Final = frozenset(
    {PaymentRefusal.WRONG_STATE, PaymentRefusal.INVALID, PaymentRefusal.NOT_FOUND}
)


class StripeProvider:
    """One Stripe account. Safe to share between threads.

    Args:
        base_url: `https://api.stripe.com`, or where its double listens.
        api_key: the secret or restricted key.
        monotonic: seconds on a clock that never goes back.
        total_timeout_s: for one call.
        private_allowed: it may be on this machine and without TLS: for trials.
        plain_pages: so may the pages that households are sent to.
    """

    def __init__(
        self,
        base_url: str,
        api_key: str,
        monotonic: Callable[[], float],
        total_timeout_s: float = TOTAL_TIMEOUT_S,
        *,
        private_allowed: bool = False,
        plain_pages: bool | None = None,
    ) -> None:
        self._plain = private_allowed if plain_pages is None else plain_pages
        self._outgoing = Outgoing(
            base_url,
            monotonic,
            headers={"Authorization": f"Bearer {api_key}"},
            private_allowed=private_allowed,
            total_timeout_s=total_timeout_s,
        )

    def close(self) -> None:
        """Close the connections."""
        self._outgoing.close()

    def payer(self, key: str) -> str | Refused | Unknown:
        """Make a customer without name or address; see `Provider.payer`."""
        said = self._do("/v1/customers", {f"metadata[{KEY}]": key}, key)
        return wire.read_payer(said) if isinstance(said, dict) else said

    def prepare(self, paying: Paying) -> Charge | Refused | Unknown:
        """Make an unconfirmed intent; see `Provider.prepare`."""
        if paying.method_id is None or not payable(paying.amount.amount_minor):
            return Refused(PaymentRefusal.INVALID)
        form = {
            **_money(paying),
            "customer": paying.payer_id,
            "payment_method": paying.method_id,
            "payment_method_types[]": "card",
            "capture_method": "manual",
            **_metadata(paying, "metadata"),
        }
        said = self._do(_INTENTS, form, paying.key)
        if isinstance(said, Refused):
            return Refused(wire.refusal_of(said.reason))
        return wire.read_charge(said, paying) if isinstance(said, dict) else said

    def authorize(self, charge_id: str, paying: Paying) -> Charge | Refused | Unknown:
        """Confirm off-session; see `Provider.authorize`."""
        # No idempotency key: an intent is confirmed once, and a cached answer would hide how it
        # stands now.
        return self._act(charge_id, "confirm", {"off_session": "true"}, paying)

    def find(self, paying: Paying, since: datetime) -> Charge | Refused | Unknown:
        """Look through the household's intents; see `Provider.find`.

        The list, not Stripe's search: that one may be a minute behind.
        """
        query = {
            "customer": paying.payer_id,
            "created[gte]": str(int((since - CLOCKS_APART).timestamp())),
        }
        found = self._look_for(_INTENTS, query, paying.key)
        return wire.read_charge(found, paying) if isinstance(found, dict) else found

    def charge(self, charge_id: str, paying: Paying) -> Charge | Refused | Unknown:
        """Read an intent; see `Provider.charge`."""
        said = ask(self._outgoing, "GET", f"{_INTENTS}/{segment(charge_id)}")
        return wire.read_charge(said, paying, charge_id) if isinstance(said, dict) else said

    def capture(self, charge_id: str, paying: Paying) -> Charge | Refused | Unknown:
        """Capture all of it; see `Provider.capture`."""
        form = {"amount_to_capture": str(paying.amount.amount_minor)}
        return self._act(charge_id, "capture", form, paying)

    def void(self, charge_id: str, paying: Paying) -> Charge | Refused | Unknown:
        """Cancel an intent; see `Provider.void`."""
        return self._act(charge_id, "cancel", {}, paying)

    def refund(self, charge_id: str, key: str, amount: Money) -> Refund | Refused | Unknown:
        """Give money back; see `Provider.refund`."""
        form = {
            "payment_intent": charge_id,
            "amount": str(amount.amount_minor),
            f"metadata[{KEY}]": key,
        }
        said = self._do("/v1/refunds", form, key)
        return wire.read_refund(said, charge_id, key, amount) if isinstance(said, dict) else said

    def find_refund(self, charge_id: str, key: str) -> Refund | Refused | Unknown:
        """Look through an intent's refunds; see `Provider.find_refund`."""
        found = self._look_for("/v1/refunds", {"payment_intent": charge_id}, key)
        return wire.read_refund(found, charge_id, key, None) if isinstance(found, dict) else found

    def pay_link(self, paying: Paying, page: Page) -> Link | Refused | Unknown:
        """Make a Checkout page that holds the money; see `Provider.pay_link`."""
        if not payable(paying.amount.amount_minor):
            return Refused(PaymentRefusal.INVALID)
        item, intent = "line_items[0]", "payment_intent_data"
        form = {
            **_page(page, "payment", paying.payer_id, paying.key),
            "client_reference_id": paying.order_key,
            f"{item}[quantity]": "1",
            f"{item}[price_data][currency]": paying.amount.currency.lower(),
            f"{item}[price_data][unit_amount]": str(paying.amount.amount_minor),
            f"{item}[price_data][product_data][name]": paying.order_key,
            f"{intent}[capture_method]": "manual",
            **_metadata(paying, f"{intent}[metadata]"),
            "expand[]": "payment_intent",
        }
        if paying.keep_method:
            form[f"{intent}[setup_future_usage]"] = "off_session"
        said = self._do(_SESSIONS, form, paying.key)
        if not isinstance(said, dict):
            return said
        return wire.read_link(said, paying.payer_id, paying.key, paying, plain=self._plain)

    def mandate_link(self, payer_id: str, key: str, page: Page) -> Link | Refused | Unknown:
        """Make a Checkout page that sets a mandate up; see `Provider.mandate_link`."""
        form = {**_page(page, "setup", payer_id, key), "expand[]": "setup_intent"}
        said = self._do(_SESSIONS, form, key)
        if not isinstance(said, dict):
            return said
        return wire.read_link(said, payer_id, key, None, plain=self._plain)

    def link(self, link_id: str, paying: Paying | None) -> Link | Refused | Unknown:
        """Read a Checkout page; see `Provider.link`."""
        query = {"expand[]": "setup_intent" if paying is None else "payment_intent"}
        said = ask(self._outgoing, "GET", f"{_SESSIONS}/{segment(link_id)}", query=query)
        return self._read_link(said, link_id, paying)

    def close_link(self, link_id: str, paying: Paying | None) -> Link | Refused | Unknown:
        """Expire a Checkout page; see `Provider.close_link`."""
        said = ask(self._outgoing, "POST", f"{_SESSIONS}/{segment(link_id)}/expire", form={})
        if isinstance(said, Unknown):
            return said
        # Also where it was refused: the page was completed, or had expired before.
        return self.link(link_id, paying)

    def mandate_status(self, payer_id: str, method_id: str) -> MandateStatus | Refused | Unknown:
        """Read a payment method; see `Provider.mandate_status`."""
        said = ask(self._outgoing, "GET", f"/v1/payment_methods/{segment(method_id)}")
        if said == Refused(PaymentRefusal.NOT_FOUND):
            return MandateStatus.GONE
        return wire.read_mandate(said, payer_id, method_id) if isinstance(said, dict) else said

    def revoke(self, payer_id: str, method_id: str) -> MandateStatus | Refused | Unknown:
        """Detach a payment method; see `Provider.revoke`."""
        path = f"/v1/payment_methods/{segment(method_id)}/detach"
        said = ask(self._outgoing, "POST", path, form={})
        if isinstance(said, Refused) and said.reason in _JUDGED:
            return self.mandate_status(payer_id, method_id)
        return wire.read_mandate(said, payer_id, method_id) if isinstance(said, dict) else said

    def _do(self, path: str, form: dict[str, str], key: str) -> dict[str, Any] | Refused | Unknown:
        return ask(self._outgoing, "POST", path, form=form, key=key)

    def _act(
        self, charge_id: str, verb: str, form: dict[str, str], paying: Paying
    ) -> Charge | Refused | Unknown:
        path = f"{_INTENTS}/{segment(charge_id)}/{verb}"
        said = ask(self._outgoing, "POST", path, form=form)
        if isinstance(said, Refused) and said.reason in _JUDGED:
            stands = self.charge(charge_id, paying)
            untouched = isinstance(stands, Charge) and stands.state is ChargeState.PREPARED
            return said if untouched else stands
        return wire.read_charge(said, paying, charge_id) if isinstance(said, dict) else said

    def _look_for(
        self, path: str, query: dict[str, str], key: str
    ) -> dict[str, Any] | Refused | Unknown:
        asked = {**query, "limit": str(PAGE)}
        for _page_number in range(PAGES_MAX):
            said = ask(self._outgoing, "GET", path, query=asked)
            if not isinstance(said, dict):
                return said
            page = wire.read_page(said)
            if isinstance(page, Unknown):
                return page
            rows, more = page
            for raw in rows:
                if wire.carries_key(raw, key):
                    return raw
            if not more:
                return Refused(PaymentRefusal.NOT_FOUND)
            last = wire.read_id(rows[-1])
            if isinstance(last, Unknown):
                return last
            asked["starting_after"] = last
        return Unknown(PaymentFault.OVERSIZED)

    def _read_link(
        self, said: dict[str, Any] | Refused | Unknown, link_id: str, paying: Paying | None
    ) -> Link | Refused | Unknown:
        if not isinstance(said, dict):
            return said
        payer_id, key = (None, None) if paying is None else (paying.payer_id, paying.key)
        link = wire.read_link(said, payer_id, key, paying, plain=self._plain)
        if isinstance(link, Link) and link.link_id != link_id:
            return Unknown(PaymentFault.INCONSISTENT)
        return link


def _money(paying: Paying) -> dict[str, str]:
    return {
        "amount": str(paying.amount.amount_minor),
        "currency": paying.amount.currency.lower(),
    }


def _metadata(paying: Paying, name: str) -> dict[str, str]:
    return {f"{name}[{KEY}]": paying.key, f"{name}[{ORDER}]": paying.order_key}


def _page(page: Page, mode: str, payer_id: str, key: str) -> dict[str, str]:
    return {
        "mode": mode,
        "customer": payer_id,
        "success_url": page.return_url,
        "cancel_url": page.return_url,
        "expires_at": str(int(page.expires_at.timestamp())),
        "locale": page.language,
        "payment_method_types[]": "card",
        f"metadata[{KEY}]": key,
    }
