"""Shops on django-oscar, over its REST interface oscarapi."""
