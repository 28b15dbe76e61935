"""Our GPU kernels, in Triton, and what runs them: shared by the cells' `triton.py`."""
