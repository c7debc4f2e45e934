"""Twins of the kernels of `getframes.reduce`."""
