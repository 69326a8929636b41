"""Lab 3: the service of lab 2 on Kubernetes."""
