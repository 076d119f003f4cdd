"""Start the shop: make its file and catalogue if they are not there, then serve on loopback.

OSCAR_SHOP_FOLDER=... python oscar_serve.py PORT
"""

import os
import sys
from decimal import Decimal
from typing import Any

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "oscar_settings")

TOWELS = [
    ("paper-towels-6", "Paper towels, 6 rolls", "6.60", 100_000),
    ("coffee-1kg", "Coffee beans, 1 kg", "10.73", 100_000),
    ("soap-refill", "Hand soap, refill", "4.09", 2),
]


def seed() -> None:
    from django.contrib.auth import get_user_model
    from django.contrib.sites.models import Site
    from oscar.core.loading import get_model

    Site.objects.get_or_create(pk=1, defaults={"domain": "127.0.0.1", "name": "Oscar's"})
    country, _ = get_model("address", "Country").objects.get_or_create(
        iso_3166_1_a2="NL",
        defaults={
            "iso_3166_1_a3": "NLD",
            "iso_3166_1_numeric": "528",
            "printable_name": "Netherlands",
            "name": "Netherlands",
            "is_shipping_country": True,
        },
    )
    user = get_user_model().objects.create_user("zodra", "orders@shop.example", "shop-password")
    get_model("address", "UserAddress").objects.create(
        user=user,
        first_name="The",
        last_name="Household",
        line1="Dorpsstraat 1",
        line4="Utrecht",
        postcode="3511AA",
        country=country,
        is_default_for_shipping=True,
    )
    kind = get_model("catalogue", "ProductClass").objects.create(name="Supplies")
    partner = get_model("partner", "Partner").objects.create(name="Oscar's", code="oscars")
    for upc, title, price, stock in TOWELS:
        product = get_model("catalogue", "Product").objects.create(
            structure="standalone", upc=upc, title=title, product_class=kind
        )
        get_model("partner", "StockRecord").objects.create(
            product=product,
            partner=partner,
            partner_sku=upc,
            price_currency="EUR",
            price=Decimal(price),
            num_in_stock=stock,
        )


def main() -> None:
    port = sys.argv[1]
    django.setup()
    from django.conf import settings
    from django.core.management import call_command
    from django.core.servers.basehttp import ThreadedWSGIServer, WSGIRequestHandler
    from django.core.wsgi import get_wsgi_application

    class Quiet(WSGIRequestHandler):
        def log_message(self, format: str, *args: Any) -> None:
            """Say nothing: the file would grow with every request."""

    if not settings.DATABASES["default"]["NAME"].exists():
        call_command("migrate", run_syncdb=True, verbosity=0)
        seed()
    server = ThreadedWSGIServer(("127.0.0.1", int(port)), Quiet)
    server.set_app(get_wsgi_application())
    server.serve_forever()


if __name__ == "__main__":
    main()
