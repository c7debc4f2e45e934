"""The floor of pictures: stretches, axes, histograms, PNG files and characters on a terminal."""

STRETCHES = ("asinh", "linear", "log")
"""Names of the stretches."""
