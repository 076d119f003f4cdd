"""The gateways: credentials, health as they tell it, their honest state, commands to them."""
