"""A cluster for machines that reach a Go module proxy but no image registry: built from source, in own namespaces."""
