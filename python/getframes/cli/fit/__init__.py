"""`getframes fit`: sources back out of pixels, from a catalog and images, step by step."""

from __future__ import annotations

from getframes.cli.fit import preprocess, psf

name = "fit"
summary = "fit scenes of blended sources"

COMMANDS = (psf, preprocess)
