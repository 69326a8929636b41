"""What is measured of this course, one package per benchmark: `python -m bench.NAME`, or `make bench-NAME`."""
