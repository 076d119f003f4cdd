"""How rows get into a file, where many of them come at once."""
