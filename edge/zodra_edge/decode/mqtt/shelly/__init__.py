"""Shelly: the first generation's own topics, and the later generations' RPC over MQTT."""
