"""From a table to leak-safe windows: reading, the time grid, splits, scaling, windows."""
