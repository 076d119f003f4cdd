"""The classic Dash Replenishment verbs: firmware written for them is pointed here and works."""
