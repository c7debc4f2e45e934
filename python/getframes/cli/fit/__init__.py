"""`getframes fit`: sources back out of pixels, from a catalog and images, step by step or all at once.

`getframes fit FILE.toml` is `getframes fit run FILE.toml`.
"""

from __future__ import annotations

from getframes.cli.fit import background, fake, missing, optimize, postprocess, preprocess, psf, run, sample

name = "fit"
summary = "fit scenes of blended sources"

COMMANDS = (run, fake, psf, preprocess, optimize, background, missing, sample, postprocess)


def with_step(words: list[str]) -> list[str]:
    """A command line in which `fit FILE.toml` is `fit run FILE.toml`."""
    place = next((place for place, word in enumerate(words) if not word.startswith("-")), len(words))
    after = words[place + 1 :]
    first = next((word for word in after if not word.startswith("-")), "")
    if words[place : place + 1] == [name] and first.endswith(".toml"):
        return [*words[: place + 1], run.name, *after]
    return words
