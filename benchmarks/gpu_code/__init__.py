"""The machine code of the GPU kernels."""
