"""What is looked after: each slot with its limits, its forecast and its agreements."""
