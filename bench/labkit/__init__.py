"""The exercise engine against plain pytest, on the same checks."""
