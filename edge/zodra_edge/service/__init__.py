"""The gateway as a service: what it tells systemd, and what systemd hands to it."""
