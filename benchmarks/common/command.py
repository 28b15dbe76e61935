"""The command line of a benchmark."""

import argparse
import sys


def parser(name: str, description: str | None) -> argparse.ArgumentParser:
    """Return the parser of a benchmark, whose help keeps the lines of its description."""
    return argparse.ArgumentParser(
        prog=called(name),
        description=description,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )


def called(name: str) -> str:
    """Say how a benchmark is run."""
    return f"python -m benchmarks.{name}"


def given(name: str) -> str:
    """Say how a benchmark is run here, with its arguments."""
    return " ".join([called(name), *sys.argv[1:]])
