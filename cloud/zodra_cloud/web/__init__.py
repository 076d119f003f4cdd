"""The household's page and the operator's page, and what stands between them and the world."""
