"""Sparkplug B: metrics in protobuf, with births that name them and a count that shows gaps."""
