"""Lab 6: a service that tells its own story, and alerts that ring for the right reasons."""
