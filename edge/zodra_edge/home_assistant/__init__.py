"""What Home Assistant is shown through the home's broker, and what it may switch."""
