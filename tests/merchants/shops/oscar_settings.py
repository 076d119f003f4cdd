"""A small django-oscar shop with oscarapi, as a shop in the Netherlands would set one up."""

import os
from decimal import Decimal
from pathlib import Path
from typing import Any

import oscar
from oscar.core.loading import default_class_loader
from oscar.defaults import *  # noqa: F403 - how oscar's own guide begins

FOLDER = Path(os.environ["OSCAR_SHOP_FOLDER"])
SECRET_KEY = "only-for-tests"
DEBUG = False
ALLOWED_HOSTS = ["*"]
USE_TZ = True
TIME_ZONE = "UTC"
ROOT_URLCONF = "oscar_urls"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
STATIC_URL = "/static/"
SITE_ID = 1
SESSION_ENGINE = "django.contrib.sessions.backends.signed_cookies"
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": FOLDER / "shop.db",
        "ATOMIC_REQUESTS": False,
        "CONN_MAX_AGE": 0,
        "OPTIONS": {
            "timeout": 20,
            "transaction_mode": "IMMEDIATE",
            # The tests kill processes, not the machine.
            "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=OFF",
        },
    }
}
INSTALLED_APPS = [*oscar.INSTALLED_APPS, "sorl.thumbnail", "rest_framework", "oscarapi"]
if os.environ.get("OSCAR_SHOP_PLUGIN"):
    INSTALLED_APPS.append("zodra_oscar")
# Tables as the models say, without the history of migrations: 2 s instead of 18.
MIGRATION_MODULES = {name.rsplit(".", 1)[-1]: None for name in INSTALLED_APPS} | {
    name: None
    for name in (
        *("auth", "contenttypes", "sessions", "sites", "flatpages", "admin", "analytics"),
        *("address", "shipping", "catalogue", "reviews", "communication", "partner", "basket"),
        *("payment", "offer", "order", "customer", "voucher", "wishlists", "checkout"),
        *("thumbnail", "oscarapi", "zodra_oscar"),
    )
}
MIDDLEWARE = [
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "oscar.apps.basket.middleware.BasketMiddleware",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]
HAYSTACK_CONNECTIONS = {"default": {"ENGINE": "haystack.backends.simple_backend.SimpleEngine"}}
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
EMAIL_BACKEND = "django.core.mail.backends.dummy.EmailBackend"
OSCAR_DEFAULT_CURRENCY = "EUR"
OSCAR_SHOP_NAME = "Oscar's"
OSCAR_ALLOW_ANON_CHECKOUT = False
OSCAR_REQUIRED_ADDRESS_FIELDS = ("first_name", "last_name", "line1", "line4", "country")
OSCAR_ORDER_STATUS_PIPELINE = {
    "new": ("Shipped", "Cancelled"),
    "Shipped": ("Complete",),
    "Complete": (),
    "Cancelled": (),
}
OSCARAPI_BLOCK_ADMIN_API_ACCESS = True
OSCAR_DYNAMIC_CLASS_LOADER = "oscar_settings.load_classes"
ZODRA_EVENTS_URL = os.environ.get("OSCAR_EVENTS_URL", "http://127.0.0.1:9/")
ZODRA_EVENTS_SECRET = os.environ.get("OSCAR_EVENTS_SECRET", "")


def load_classes(module: str, names: list[str], prefix: str) -> list[Any]:
    """Give the shop's own VAT and shipping; oscar's classes for everything else."""
    import oscar_trade

    own = {
        ("partner.strategy", "Selector"): "Selector",
        ("shipping.repository", "Repository"): "Repository",
    }
    if all((module, name) in own for name in names):
        return [getattr(oscar_trade, own[module, name]) for name in names]
    return default_class_loader(module, names, prefix)


VAT = Decimal("0.21")
