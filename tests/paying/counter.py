"""What Stripe has and localstripe has not, in front of it: the household's page, and some fields.

localstripe does the charges, holds, captures, cancellations, refunds and payment methods. By
contract, from the provider's documentation, are: Checkout pages, `off_session` on a confirmation,
lists of one customer's charges, `amount_capturable` and `amount_received`, and a charge that is
named rather than embedded. Like localstripe, it does not know idempotency keys.
"""

import itertools
import json
import threading
from contextlib import suppress
from dataclasses import dataclass, field
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

KEY = "Bearer sk_test_of_nobody"
ALL = "1000000"

Answer = tuple[int, dict[str, Any]]


@dataclass
class Said:
    """One request of ours and its answer, byte for byte."""

    head: str
    body: bytes
    answer: bytes


@dataclass
class Session:
    """One Checkout page."""

    number: int
    form: dict[str, str]
    status: str = "open"
    intent: str | None = None
    setup: str | None = None
    id: str = field(init=False)

    def __post_init__(self) -> None:
        self.id = f"cs_test_{self.number}"


class Counter:
    """Passes requests to the localstripe at `port`, and serves the household's pages."""

    def __init__(self, port: int) -> None:
        self.target = port
        self.wire: list[Said] = []
        self.sessions: dict[str, Session] = {}
        self.refuse_next: list[str] = []
        """Decline codes; localstripe knows none. The bank says each once, instead of a charge."""
        self._numbers = itertools.count(1)
        self._lock = threading.Lock()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self.port: int = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def ask(self, method: str, path: str, form: dict[str, str] | None = None) -> Answer:
        """Ask localstripe itself."""
        connection = HTTPConnection("127.0.0.1", self.target, timeout=30)
        headers = {"Authorization": KEY, "Content-Type": "application/x-www-form-urlencoded"}
        try:
            body = None if form is None else urlencode(form).encode()
            connection.request(method, path, body, headers)
            answer = connection.getresponse()
            raw = answer.read()
            found: dict[str, Any] = json.loads(raw) if raw.startswith(b"{") else {"error": {}}
            return answer.status, found
        finally:
            connection.close()

    def answer(self, method: str, path: str, form: dict[str, str]) -> Answer:
        parts = urlsplit(path)
        query = dict(parse_qsl(parts.query))
        names = parts.path.strip("/").split("/")
        if names[1:3] == ["checkout", "sessions"]:
            return self._checkout(method, names[3:], form, query)
        if names[1] == "payment_intents":
            return self._intents(method, names[2:], path, form, query)
        return self.ask(method, path, form if method == "POST" else None)

    def intent(self, intent_id: str) -> dict[str, Any]:
        return _as_documented(self.ask("GET", f"/v1/payment_intents/{intent_id}")[1])

    def intents(self) -> list[dict[str, Any]]:
        """Every charge there is, newest first."""
        _status, found = self.ask("GET", f"/v1/payment_intents?limit={ALL}")
        return [_as_documented(each) for each in reversed(found["data"])]

    def fill_in(self, url: str, number: str, *, approve: bool = True) -> str:
        """Be the household on a page: type a card in, and approve or not; gives the status."""
        session = self.sessions[url.rsplit("/", 1)[1]]
        assert session.status == "open"
        card = {"number": number, "exp_month": "12", "exp_year": "2030", "cvc": "737"}
        form = {"type": "card", **{f"card[{name}]": value for name, value in card.items()}}
        method_id = self.ask("POST", "/v1/payment_methods", form)[1]["id"]
        done = self._set_up if session.form["mode"] == "setup" else self._pay
        if done(session, method_id, approve):
            session.status = "complete"
        return session.status

    def _set_up(self, session: Session, method_id: str, approve: bool) -> bool:
        customer = session.form["customer"]
        setup = self.ask("POST", "/v1/setup_intents", {"customer": customer})[1]
        session.setup = setup["id"]
        path = f"/v1/setup_intents/{session.setup}/confirm"
        status, said = self.ask("POST", path, {"payment_method": method_id})
        if said.get("status") == "requires_action" and approve:
            status, said = self.ask("POST", path, {"use_stripe_sdk": "true"})
        if status != 200 or said["status"] != "succeeded":
            return False
        return self._attach(method_id, customer)

    def _pay(self, session: Session, method_id: str, approve: bool) -> bool:
        form, item = session.form, "line_items[0][price_data]"
        prefix = "payment_intent_data[metadata]"
        wanted = {
            "amount": form[f"{item}[unit_amount]"],
            "currency": form[f"{item}[currency]"],
            "customer": form["customer"],
            "payment_method": method_id,
            "capture_method": form["payment_intent_data[capture_method]"],
            **{
                name.replace(prefix, "metadata"): value
                for name, value in form.items()
                if name.startswith(prefix)
            },
        }
        if session.intent is not None:
            self.ask("POST", f"/v1/payment_intents/{session.intent}/cancel", {})
        intent = self.ask("POST", "/v1/payment_intents", wanted)[1]
        session.intent = intent["id"]
        path = f"/v1/payment_intents/{session.intent}"
        said = self.ask("POST", f"{path}/confirm", {})[1]
        if said.get("status") == "requires_action":
            secret = {"client_secret": intent["client_secret"], "success": str(approve).lower()}
            said = self.ask("POST", f"{path}/_authenticate", secret)[1]
        if said.get("status") != "requires_capture":
            return False
        if "payment_intent_data[setup_future_usage]" in form:
            self._attach(method_id, form["customer"])
        return True

    def _attach(self, method_id: str, customer: str) -> bool:
        path = f"/v1/payment_methods/{method_id}/attach"
        return self.ask("POST", path, {"customer": customer})[0] == 200

    def _checkout(
        self, method: str, names: list[str], form: dict[str, str], query: dict[str, str]
    ) -> Answer:
        if not names:
            with self._lock:
                session = Session(next(self._numbers), form)
                self.sessions[session.id] = session
            return 200, self._shown(session)
        found = self.sessions.get(names[0])
        if found is None:
            return 404, {"error": {"code": "resource_missing"}}
        if names[1:] == ["expire"]:
            if found.status != "open":
                return 400, {"error": {"code": None}}
            found.status = "expired"
            if found.intent is not None:
                self.ask("POST", f"/v1/payment_intents/{found.intent}/cancel", {})
        return 200, self._shown(found)

    def _shown(self, session: Session) -> dict[str, Any]:
        form, item = session.form, "line_items[0][price_data]"
        intent = setup = None
        if session.intent is not None:
            intent = self.intent(session.intent)
            if "payment_intent_data[setup_future_usage]" in form:
                intent["setup_future_usage"] = "off_session"
        if session.setup is not None:
            setup = self.ask("GET", f"/v1/setup_intents/{session.setup}")[1]
        amount = form.get(f"{item}[unit_amount]")
        return {
            "id": session.id,
            "object": "checkout.session",
            "status": session.status,
            "mode": form["mode"],
            "url": f"http://127.0.0.1:{self.port}/pay/{session.id}"
            if session.status == "open"
            else None,
            "customer": form["customer"],
            "metadata": {"zodra_key": form["metadata[zodra_key]"]},
            "amount_total": None if amount is None else int(amount),
            "currency": form.get(f"{item}[currency]"),
            "payment_intent": intent,
            "setup_intent": setup,
        }

    def _intents(
        self,
        method: str,
        names: list[str],
        path: str,
        form: dict[str, str],
        query: dict[str, str],
    ) -> Answer:
        if method == "GET" and not names:
            return 200, self._listed(query)
        if names[1:] == ["confirm"]:
            assert form.pop("off_session") == "true"
            if self.refuse_next:
                code = self.refuse_next.pop(0)
                return 402, {"error": {"code": "card_declined", "decline_code": code}}
        status, said = self.ask(method, path, form if method == "POST" else None)
        return status, _as_documented(said) if status == 200 else said

    def _listed(self, query: dict[str, str]) -> dict[str, Any]:
        since = int(query["created[gte]"])
        rows = [
            each
            for each in self.intents()
            if each["customer"] == query["customer"] and each["created"] >= since
        ]
        ids = [each["id"] for each in rows]
        begin = ids.index(query["starting_after"]) + 1 if "starting_after" in query else 0
        end = begin + int(query["limit"])
        return {"object": "list", "data": rows[begin:end], "has_more": end < len(rows)}

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        counter = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            wbufsize = -1
            disable_nagle_algorithm = True

            def log_message(self, format: str, *args: Any) -> None:
                """Say nothing."""

            def _pass(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                if self.headers.get("Authorization", "").startswith("Bearer sk_"):
                    form = dict(parse_qsl(body.decode(), keep_blank_values=True))
                    status, said = counter.answer(self.command, self.path, form)
                else:
                    status, said = 401, {"error": {"code": None}}
                raw = json.dumps(said).encode()
                head = f"{self.command} {self.path}\n{self.headers}"
                counter.wire.append(Said(head, body, raw))
                with suppress(OSError):
                    self.send_response(status)
                    self.send_header("Content-Type", "application/json")
                    self.send_header("Content-Length", str(len(raw)))
                    self.end_headers()
                    self.wfile.write(raw)

            do_GET = do_POST = do_DELETE = _pass

        return Handler


def _as_documented(intent: dict[str, Any]) -> dict[str, Any]:
    """Write a charge as the API version that we ask for does."""
    if intent.get("object") != "payment_intent":
        return intent
    charge = intent.get("latest_charge")
    amount, status = intent["amount"], intent["status"]
    shown = {name: value for name, value in intent.items() if name != "charges"}
    return {
        **shown,
        "latest_charge": charge["id"] if isinstance(charge, dict) else charge,
        "amount_capturable": amount if status == "requires_capture" else 0,
        "amount_received": amount if status == "succeeded" else 0,
    }
