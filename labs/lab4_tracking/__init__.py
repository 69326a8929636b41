"""Lab 4: runs are recorded, and the registry decides which version serves."""
