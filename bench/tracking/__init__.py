"""What week 4 costs: a hot swap under load."""
