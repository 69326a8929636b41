"""Lab 4: MLflow keeps the record, and the registry decides what serves."""
