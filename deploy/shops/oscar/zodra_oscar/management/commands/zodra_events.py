"""`manage.py zodra_events`: bring order events to the client, until stopped."""

import time

from django.core.management.base import BaseCommand

from zodra_oscar.events import send_due


class Command(BaseCommand):
    """Run beside the shop, for example as a systemd unit; or with --once from cron."""

    help = "Sends signed order events that are due."

    def add_arguments(self, parser) -> None:
        """Take the options."""
        parser.add_argument("--once", action="store_true", help="send what is due, and end")

    def handle(self, *args, once: bool = False, **options) -> None:
        """Send, and wait a moment when nothing is due."""
        while True:
            sent = send_due()
            if once:
                return
            if not sent:
                time.sleep(0.2)
