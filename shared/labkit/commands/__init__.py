"""What the commands of `lab` do. Each function returns an exit status; `labkit.cli` has the options and the help."""
