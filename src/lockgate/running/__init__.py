"""Where jobs run, and what machine that is."""
