"""Four doors beside oscarapi's own; who may use them is decided as there, by the account."""

import re
from decimal import Decimal, InvalidOperation

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import Sum
from oscar.core.loading import get_class, get_model
from oscarapi.basket.operations import assign_basket_strategy, request_allows_access_to_basket
from oscarapi.utils.loading import get_api_class
from oscarapi.views.checkout import CheckoutView
from oscarapi.views.utils import parse_basket_from_hyperlink
from rest_framework.permissions import IsAuthenticated
from rest_framework.response import Response
from rest_framework.views import APIView

from zodra_oscar.events import note, state_of
from zodra_oscar.models import Reference, Refund

Order = get_model("order", "Order")
EventHandler = get_class("order.processing", "EventHandler")
OrderSerializer = get_api_class("serializers.checkout", "OrderSerializer")

REFERENCE = re.compile(r"[A-Za-z0-9_-]{1,64}")
NOTE = "zodra:"
KEY = re.compile(r"[\x21-\x7e]{1,255}")


def _refuse(status: int, code: str) -> Response:
    return Response({"code": code}, status=status)


def _told(order, request, reference: str) -> dict:
    return {**OrderSerializer(order, context={"request": request}).data, "reference": reference}


def _under(user, reference: str):
    """Find the account's order under a key; one from before the plug-in has it in a note."""
    known = Reference.objects.filter(owner=user, reference=reference).first()
    if known is not None:
        return known.order
    noted = Order.objects.filter(user=user, shipping_address__notes=f"{NOTE}{reference}")
    return noted.order_by("pk").first()


def _own(request, pk: int):
    """Lock one of the account's orders that came under a reference; None if it has no such."""
    orders = Order.objects.select_for_update().filter(
        user=request.user, pk=pk, zodra_reference__isnull=False
    )
    return orders.first()


class Checkout(CheckoutView):
    """oscarapi's checkout, at most once for an `Idempotency-Key`, and only if all is in stock.

    The body is oscarapi's; `total` is mandatory, and oscarapi refuses any other.
    """

    permission_classes = (IsAuthenticated,)

    def post(self, request, format=None, *args, **kwargs):
        """Make the order, or give the one that is there."""
        reference = request.headers.get("Idempotency-Key", "")
        if not REFERENCE.fullmatch(reference):
            return _refuse(400, "idempotency_key_missing")
        if request.data.get("total") is None:
            return _refuse(400, "total_missing")
        try:
            return self._once(request, reference, format)
        except IntegrityError:
            # Another request under the same key, or for the same basket, was faster by a moment.
            return self._known(request, reference) or _refuse(409, "already_completed")

    def _known(self, request, reference: str):
        order = _under(request.user, reference)
        if order is None:
            return None
        basket = parse_basket_from_hyperlink(request.data, None)
        same = order.basket_id == basket.pk
        if not same or str(order.total_incl_tax) != str(request.data["total"]):
            return _refuse(409, "idempotency_conflict")
        return Response(_told(order, request, reference))

    def _once(self, request, reference: str, format):
        with transaction.atomic():
            if known := self._known(request, reference):
                return known
            basket = parse_basket_from_hyperlink(request.data, format)
            if not request_allows_access_to_basket(request, basket):
                return _refuse(409, "session_canceled")
            for line in assign_basket_strategy(basket, request).all_lines():
                permitted, _why = line.purchase_info.availability.is_purchase_permitted(
                    line.quantity
                )
                if not permitted:
                    return _refuse(409, "out_of_stock")
            answer = super().post(request, format)
            if answer.status_code != 200:
                transaction.set_rollback(True)
                code = "price_changed" if answer.status_code == 406 else "invalid"
                return _refuse(409 if code == "price_changed" else 400, code)
            order = Order.objects.get(user=request.user, number=answer.data["number"])
            Reference.objects.create(owner=request.user, reference=reference, order=order)
            note(order)
            return Response(_told(order, request, reference))


class Orders(APIView):
    """The account's order under a reference: a list of none or one."""

    permission_classes = (IsAuthenticated,)

    def get(self, request):
        """Search."""
        reference = request.query_params.get("reference", "")
        order = _under(request.user, reference) if REFERENCE.fullmatch(reference) else None
        return Response([] if order is None else [_told(order, request, reference)])


class Cancel(APIView):
    """Cancels an order that has not left; a repeat is harmless."""

    permission_classes = (IsAuthenticated,)

    def post(self, request, pk: int):
        """Cancel, and put the goods back."""
        cancelled = getattr(settings, "ZODRA_CANCELLED_STATUS", "Cancelled")
        with transaction.atomic():
            order = _own(request, pk)
            if order is None:
                return _refuse(404, "order_not_found")
            state = state_of(order.status)
            if state == "placed":
                if cancelled not in order.available_statuses():
                    return _refuse(409, "too_late")
                EventHandler(request.user).cancel_stock_allocations(order)
                order.set_status(cancelled)
            elif state != "canceled":
                return _refuse(409, "too_late")
            return Response(_told(order, request, order.zodra_reference.reference))


class Refunds(APIView):
    """Notes money to give back; paying it is the shop's own signal `post_save` of `Refund`."""

    permission_classes = (IsAuthenticated,)

    def post(self, request, pk: int):
        """Give back, once for an `Idempotency-Key`, never more than was paid."""
        key = request.headers.get("Idempotency-Key", "")
        if not KEY.fullmatch(key):
            return _refuse(400, "idempotency_key_missing")
        try:
            amount = Decimal(str(request.data.get("amount"))).quantize(Decimal("0.01"))
        except InvalidOperation:
            return _refuse(400, "invalid")
        with transaction.atomic():
            order = _own(request, pk)
            if order is None:
                return _refuse(404, "order_not_found")
            if request.data.get("currency") != order.currency:
                return _refuse(400, "invalid")
            given = order.zodra_refunds.filter(key=key).first()
            if given is None:
                sums = order.zodra_refunds.aggregate(total=Sum("amount"))
                left = order.total_incl_tax - (sums["total"] or Decimal(0))
                if not 0 < amount <= left:
                    return _refuse(409, "not_refundable")
                given = Refund.objects.create(key=key, order=order, amount=amount)
            elif given.amount != amount:
                return _refuse(409, "idempotency_conflict")
            told = {"id": given.pk, "order": order.pk, "amount": str(given.amount)}
            return Response({**told, "currency": order.currency})
