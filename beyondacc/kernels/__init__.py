"""Kernels: numpy and numba only, serial loops over rows that trust their input."""
