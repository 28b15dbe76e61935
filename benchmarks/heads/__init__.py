"""What heads that forecast a spread give."""
