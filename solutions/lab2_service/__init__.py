"""Lab 2: the models of week 1 as a service."""
