"""What a record costs: a training with MLflow beside the same training without it."""
