"""What week 4 costs: a record of a training, and a hot swap under load."""
