"""The shop's doors: oscarapi, and the plug-in if it is installed."""

from django.conf import settings
from django.urls import include, path

urlpatterns = [path("api/", include("oscarapi.urls"))]
if "zodra_oscar" in settings.INSTALLED_APPS:
    urlpatterns.append(path("zodra/", include("zodra_oscar.urls")))
