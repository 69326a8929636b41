"""Lab 3 on a cluster: what is lost, and what it costs."""
