"""The virtual air, the devices on it, and the gateway's way to it through the bleak API."""
