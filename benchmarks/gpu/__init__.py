"""Our layers on a GPU beside cuDNN and loops."""
