"""Orders as people see them: cards on the first page, the list, one order, its withdrawal."""
