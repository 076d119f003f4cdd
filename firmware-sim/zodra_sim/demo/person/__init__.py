"""The person of `zodra demo --once`: presses at home, and reads and confirms on the page."""
