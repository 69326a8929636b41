"""Lab 1: from script to model."""
