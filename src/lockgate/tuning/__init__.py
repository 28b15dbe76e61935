"""A search over settings, judged as a study judges its rungs."""
