"""From a moment to at most one offer, with its reason in a sentence."""
