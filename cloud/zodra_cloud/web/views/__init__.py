"""Pages as frozen values with every word chosen, made by pure functions from what was read."""
