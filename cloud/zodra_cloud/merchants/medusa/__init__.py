"""Shops on Medusa 2, over its store and admin interfaces."""
