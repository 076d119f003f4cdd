"""The commands of `zodra-cloud` that have a room of their own; `cli` puts them together."""
