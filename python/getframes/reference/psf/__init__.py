"""Twins of the kernels of `getframes.psfmatch`."""
