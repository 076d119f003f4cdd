"""Makes a device of the home out of one that is heard nearby."""
