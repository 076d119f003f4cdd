"""The Django application."""

from django.apps import AppConfig


class ZodraOscar(AppConfig):
    """Listens to the shop's own signals once everything is loaded."""

    name = "zodra_oscar"
    label = "zodra_oscar"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Connect the listeners."""
        from zodra_oscar import events

        events.connect()
