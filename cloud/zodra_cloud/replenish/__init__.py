"""From a need signal to a decision, a quote, a confirmed order and its delivery."""
