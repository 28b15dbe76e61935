"""A word-level language model with and without regularisation."""
