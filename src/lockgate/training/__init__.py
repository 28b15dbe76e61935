"""Fit a network: one loop, early stopping with the best weights restored, a history."""
