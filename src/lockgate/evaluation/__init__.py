"""Scores of forecasts, the naive baselines beside them, and the count of looks at a test part."""
