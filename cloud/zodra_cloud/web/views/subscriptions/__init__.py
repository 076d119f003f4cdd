"""Subscriptions as people see them: the terms to join, what comes next, what happened."""
