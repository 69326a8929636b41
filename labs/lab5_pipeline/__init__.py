"""Lab 5: a data contract, and a pipeline that runs itself."""
