"""Mount below the shop's root: `path("zodra/", include("zodra_oscar.urls"))`."""

from django.urls import path

from zodra_oscar import views

urlpatterns = [
    path("checkout/", views.Checkout.as_view()),
    path("orders/", views.Orders.as_view()),
    path("orders/<int:pk>/cancel/", views.Cancel.as_view()),
    path("orders/<int:pk>/refunds/", views.Refunds.as_view()),
]
