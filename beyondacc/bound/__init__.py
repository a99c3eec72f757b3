"""Users and their lists in the positions of a world: what kernels see."""
