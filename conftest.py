"""What every run of pytest loads, whatever it is given; the modules are in tests/plugins."""

pytest_plugins = ["pairwise", "times"]
