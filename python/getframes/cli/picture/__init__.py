"""Pictures of frames: stretches, histograms, PNG files and characters on a terminal."""

STRETCHES = ("asinh", "linear", "log")
"""Names of the stretches."""
