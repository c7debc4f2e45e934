"""Settings of every test: hypothesis repeats its examples, unless `HYPOTHESIS_PROFILE=explore`."""

from __future__ import annotations

import os

from hypothesis import settings

settings.register_profile("house", deadline=None, max_examples=50, derandomize=True)
settings.register_profile("explore", deadline=None, max_examples=1000, print_blob=True)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "house"))
