"""What the demo tells: sentences from the logs of its parts."""
