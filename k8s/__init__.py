"""What runs the finished system: a cluster by kind or an offline one, its add-ons, and the four commands on it."""
