"""What every run of pytest loads, whatever it is given; the module is in tests/plugins."""

pytest_plugins = ["times"]
