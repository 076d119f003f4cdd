"""The shop's HTTP surface, shaped like UCP's checkout and order capabilities."""

import asyncio
import binascii
import hmac
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import Annotated, Any, Final, TypeVar

from fastapi import APIRouter, Depends, FastAPI, Header, Query, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, PlainTextResponse
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from standardwebhooks import Webhook
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp

from zodra_contract.ids import Id
from zodra_sim.clock import Clock, SystemClock, text
from zodra_sim.logs import logger
from zodra_sim.shop import catalogue
from zodra_sim.shop.checkout import Shop, Wish
from zodra_sim.shop.courier import Courier
from zodra_sim.shop.documents import Json, order_json, refund_json, session_json
from zodra_sim.shop.errors import STATUS, BadSettings, Code, Refusal, Refused
from zodra_sim.shop.faults import Faults
from zodra_sim.shop.gate import FaultGate
from zodra_sim.shop.settings import ShopSettings, secret
from zodra_sim.shop.store import Store

VERSION: Final = "2026-08-01"
PRODUCTS_PER_PAGE: Final = 50
CAPABILITIES: Final = ["dev.ucp.shopping.checkout", "dev.ucp.shopping.order"]

Answer = TypeVar("Answer")


class Named(BaseModel):
    """An item, by its SKU."""

    model_config = ConfigDict(frozen=True)

    id: Id


class LineItem(BaseModel):
    """One line of a wish."""

    model_config = ConfigDict(frozen=True)

    item: Named
    quantity: int = Field(ge=1, le=99, strict=True)


class Lines(BaseModel):
    """The lines of a wish."""

    model_config = ConfigDict(frozen=True)

    line_items: tuple[LineItem, ...] = Field(min_length=1, max_length=20)

    @property
    def pairs(self) -> tuple[tuple[str, int], ...]:
        """SKU and quantity of each line."""
        return tuple((line.item.id, line.quantity) for line in self.line_items)


class Buyer(BaseModel):
    """Whose account at the shop it is; pseudonymous."""

    model_config = ConfigDict(frozen=True)

    reference: Id


class Context(BaseModel):
    """Where it goes."""

    model_config = ConfigDict(frozen=True)

    address_country: str = Field(default="NL", pattern="^[A-Z]{2}$")


class NewSession(Lines):
    """The body of a new checkout session."""

    currency: str
    reference: Id
    buyer: Buyer
    context: Context = Context()


class Amount(BaseModel):
    """An amount of money."""

    model_config = ConfigDict(frozen=True)

    amount: int = Field(ge=0, strict=True)
    currency: str


class Completion(BaseModel):
    """The body of a complete: what the buyer agreed to pay."""

    model_config = ConfigDict(frozen=True)

    expected_total: Amount


class Giving(BaseModel):
    """The body of a refund: what to give back."""

    model_config = ConfigDict(frozen=True)

    amount: Amount


def create_app(settings: ShopSettings, clock: Clock | None = None) -> ASGIApp:
    """Put the shop together.

    Raises:
        BadSettings: a file that the settings name cannot be used.
    """
    clock = clock or SystemClock()
    api_key = secret(settings.api_key_file)
    admin_key = secret(settings.admin_key_path)
    webhook = _webhook(settings)
    shop = Shop(Store(settings.database), catalogue.load(settings.catalogue_file), settings, clock)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        courier = asyncio.create_task(Courier(shop, clock, webhook).run())
        courier.add_done_callback(_end_without_courier)
        try:
            yield
        finally:
            courier.cancel()
            with suppress(asyncio.CancelledError):
                await courier
            shop.store.close()

    app = FastAPI(title="Demo shop", lifespan=lifespan, docs_url=None, redoc_url=None)
    app.include_router(_pages(shop))
    for_clients = [Depends(_bearer(api_key))]
    app.include_router(_checkout(shop), dependencies=for_clients)
    app.include_router(_orders(shop), dependencies=for_clients)
    app.include_router(_back_office(shop), dependencies=for_clients)
    app.include_router(_faults(shop), dependencies=[Depends(_bearer(admin_key))])
    app.add_exception_handler(Refused, _refused)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(ValidationError, _invalid)
    app.add_exception_handler(HTTPException, _no_such_page)
    return FaultGate(app, shop)


def _webhook(settings: ShopSettings) -> Webhook | None:
    if settings.webhook_secret_file is None:
        return None
    try:
        return Webhook(secret(settings.webhook_secret_file))
    except binascii.Error as failed:
        raise BadSettings(f"{settings.webhook_secret_file}: {failed}") from failed


def _end_without_courier(courier: asyncio.Task[None]) -> None:
    if not courier.cancelled() and courier.exception() is not None:
        # A shop that sells and never ships would look healthy; better that it ends and says why.
        courier.print_stack()
        signal.raise_signal(signal.SIGTERM)


def _bearer(key: str) -> Callable[[str | None], None]:
    def check(authorization: Annotated[str | None, Header()] = None) -> None:
        given = (authorization or "").encode()
        if not hmac.compare_digest(given, f"Bearer {key}".encode()):
            raise Refused(Refusal(Code.UNAUTHORIZED, "The bearer token is missing or wrong."))

    return check


def _pages(shop: Shop) -> APIRouter:
    """What is open to everybody."""
    routes = APIRouter()
    merchant = shop.catalogue.merchant

    @routes.get("/.well-known/ucp")
    def profile() -> Json:
        return {
            "ucp": {"version": VERSION, "capabilities": CAPABILITIES},
            "merchant": {"id": merchant.id, "name": merchant.name},
        }

    @routes.get("/healthz")
    def healthy() -> Json:
        return {"ok": True}

    @routes.get("/terms", response_class=PlainTextResponse)
    def terms() -> str:
        return f"{merchant.name} is a simulated shop. Nothing is sold and nothing is charged.\n"

    @routes.get("/returns", response_class=PlainTextResponse)
    def returns() -> str:
        return "Each item says for how many days it can be returned, and whether sealed only.\n"

    @routes.get("/track/{order_id}", response_class=PlainTextResponse)
    def track(order_id: Id) -> str:
        return f"Parcel of order {order_id}: {_ok(shop.order(order_id)).status}\n"

    return routes


def _checkout(shop: Shop) -> APIRouter:
    routes = APIRouter(prefix="/checkout-sessions")
    base_url = shop.settings.base_url

    @routes.post("", status_code=201)
    def create(body: NewSession) -> Json:
        merchant = shop.catalogue.merchant
        if body.currency != merchant.currency:
            raise Refused(Refusal(Code.INVALID, f"Prices are in {merchant.currency}."))
        if body.context.address_country not in merchant.countries:
            raise Refused(Refusal(Code.INVALID, f"Delivery: {', '.join(merchant.countries)}."))
        country = body.context.address_country
        wish = Wish(body.reference, body.buyer.reference, country, body.pairs)
        return session_json(_ok(shop.quote(wish)), None, base_url)

    @routes.get("/{session_id}")
    def read(session_id: str) -> Json:
        session, order = _ok(shop.session(session_id))
        return session_json(session, order, base_url)

    @routes.put("/{session_id}")
    def update(session_id: str, body: Lines) -> Json:
        return session_json(_ok(shop.requote(session_id, body.pairs)), None, base_url)

    @routes.post("/{session_id}/complete")
    def complete(
        session_id: str,
        body: Completion,
        response: Response,
        idempotency_key: Annotated[str | None, Header(max_length=255)] = None,
    ) -> Json:
        if not idempotency_key:
            raise Refused(Refusal(Code.IDEMPOTENCY_KEY_MISSING, "Idempotency-Key is mandatory."))
        total = body.expected_total
        placed = _ok(shop.complete(session_id, idempotency_key, total.amount, total.currency))
        logger().info(
            "order_answered",
            order_id=placed.order.order_id,
            reference=placed.order.session.reference,
            replayed=placed.replayed,
        )
        if placed.replayed:
            response.headers["Idempotency-Replayed"] = "true"
        return order_json(placed.order, base_url)

    @routes.post("/{session_id}/cancel")
    def cancel(session_id: str) -> Json:
        return session_json(_ok(shop.cancel_session(session_id)), None, base_url)

    return routes


def _orders(shop: Shop) -> APIRouter:
    routes = APIRouter(prefix="/orders")
    base_url = shop.settings.base_url

    @routes.get("")
    def search(reference: Id) -> Json:
        found = shop.store.orders_with(reference)
        return {"orders": [order_json(order, base_url) for order in found]}

    @routes.get("/{order_id}")
    def read(order_id: str) -> Json:
        return order_json(_ok(shop.order(order_id)), base_url)

    @routes.post("/{order_id}/cancel")
    def cancel(order_id: str) -> Json:
        return order_json(_ok(shop.cancel_order(order_id)), base_url)

    @routes.post("/{order_id}/refunds")
    def refund(
        order_id: str,
        body: Giving,
        idempotency_key: Annotated[str | None, Header(max_length=255)] = None,
    ) -> Json:
        if not idempotency_key:
            raise Refused(Refusal(Code.IDEMPOTENCY_KEY_MISSING, "Idempotency-Key is mandatory."))
        wanted = body.amount
        return refund_json(
            _ok(shop.refund(order_id, idempotency_key, wanted.amount, wanted.currency))
        )

    return routes


def _back_office(shop: Shop) -> APIRouter:
    """What a shop's owner looks at; not part of UCP."""
    routes = APIRouter()
    base_url = shop.settings.base_url

    @routes.get("/ledger")
    def ledger() -> Json:
        return {"orders": [order_json(order, base_url) for order in shop.store.orders()]}

    @routes.get("/products")
    def catalogue_now(cursor: Annotated[int, Query(ge=0)] = 0) -> Json:
        items = shop.catalogue.items
        following = cursor + PRODUCTS_PER_PAGE
        return {
            "items": [shop.product(item) for item in items[cursor:following]],
            "next_cursor": str(following) if following < len(items) else None,
        }

    @routes.get("/products/{sku}")
    def product(sku: str) -> Json:
        if (item := shop.catalogue.item(sku)) is None:
            raise Refused(Refusal(Code.UNKNOWN_ITEM, f"No item {sku}."))
        prices = [{"since": text(since), "price": price} for since, price in shop.store.prices(sku)]
        return {**shop.product(item), "price_history": prices}

    return routes


def _faults(shop: Shop) -> APIRouter:
    routes = APIRouter(prefix="/faults")

    @routes.get("")
    def read() -> Faults:
        return shop.store.faults()

    @routes.post("")
    def change(body: dict[str, Any]) -> Faults:
        shop.change_faults(body)
        logger().info("faults_changed", names=sorted(body))
        return shop.store.faults()

    @routes.delete("")
    def clear() -> Faults:
        shop.change_faults(Faults().model_dump())
        return shop.store.faults()

    return routes


def _ok(result: Answer | Refusal) -> Answer:
    if isinstance(result, Refusal):
        raise Refused(result)
    return result


def _answer(refusal: Refusal) -> JSONResponse:
    message = {
        "type": "error",
        "code": refusal.code,
        "content": refusal.content,
        "severity": "unrecoverable",
    }
    return JSONResponse({"messages": [message]}, STATUS[refusal.code])


def _refused(_: Request, refused: Exception) -> Response:
    if not isinstance(refused, Refused):
        raise refused
    logger().info("refused", code=refused.refusal.code)
    return _answer(refused.refusal)


def _invalid(_: Request, error: Exception) -> Response:
    if not isinstance(error, RequestValidationError | ValidationError):
        raise error
    first = error.errors()[0]
    place = ".".join(str(part) for part in first["loc"])
    return _answer(Refusal(Code.INVALID, f"{place}: {first['msg']}"))


def _no_such_page(_: Request, error: Exception) -> Response:
    if not isinstance(error, HTTPException):
        raise error
    message = {"type": "error", "code": "invalid", "content": error.detail}
    return JSONResponse({"messages": [message]}, error.status_code)
