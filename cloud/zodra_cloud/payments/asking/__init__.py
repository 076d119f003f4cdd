"""What is asked of the provider, and what is written down before and after it."""
