"""Shops on WooCommerce, over REST v3: by contract, never tried against a real shop.

WooCommerce is in no package registry, so the tests run against a double that answers as the public
documentation of its interface says (`docs/merchants.md`).
"""
