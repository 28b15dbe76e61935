"""Many fits compared: rungs and seeds, and the verdict on what helps."""
