"""What a run did, written for TensorBoard and MLflow to show."""
