"""One model served in five ways, each under load."""
