"""Three tables beside the shop's own."""

from django.conf import settings
from django.db import models


class Reference(models.Model):
    """A client's key, and the one order under it."""

    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    reference = models.CharField(max_length=64)
    order = models.OneToOneField(
        "order.Order", on_delete=models.CASCADE, related_name="zodra_reference"
    )

    class Meta:
        """A key has at most one order, whatever happens at the same time."""

        constraints = [
            models.UniqueConstraint(fields=["owner", "reference"], name="zodra_one_order_a_key")
        ]


class Refund(models.Model):
    """Money given back on an order, once for a key."""

    key = models.CharField(max_length=255)
    order = models.ForeignKey("order.Order", on_delete=models.CASCADE, related_name="zodra_refunds")
    amount = models.DecimalField(max_digits=12, decimal_places=2)

    class Meta:
        """A key gives back at most once."""

        constraints = [
            models.UniqueConstraint(fields=["order", "key"], name="zodra_one_refund_a_key")
        ]


class Event(models.Model):
    """An order event on its way to the client, stored with the change that it tells of."""

    id = models.CharField(max_length=40, primary_key=True)
    order = models.ForeignKey("order.Order", on_delete=models.CASCADE, related_name="zodra_events")
    revision = models.PositiveIntegerField()
    body = models.TextField()
    due_at = models.DateTimeField(null=True, db_index=True)
    attempts = models.PositiveIntegerField(default=0)
