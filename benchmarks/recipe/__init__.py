"""Ways to train a network, compared on several data sets: which is the default is chosen by it."""
