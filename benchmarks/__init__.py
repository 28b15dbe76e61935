"""What measures lockgate: a folder for each benchmark, run as `python -m benchmarks.<folder>`."""
