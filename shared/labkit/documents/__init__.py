"""Files that are data: YAML, HCL and TOML of any author, read within bounds, each value with its place."""
