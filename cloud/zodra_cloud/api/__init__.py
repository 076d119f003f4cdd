"""The JSON API of a household's own software: versioned, documented, safe to repeat."""
