"""The course library that the labs import: datasets, artifacts, plots, local processes."""
