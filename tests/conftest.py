"""Settings of every test: hypothesis repeats its examples, unless `HYPOTHESIS_PROFILE=explore`."""

from __future__ import annotations

import os
import signal

from hypothesis import settings

# A shell starts a job in the background with interrupts ignored, its children too, and some tests send them.
signal.signal(signal.SIGINT, signal.default_int_handler)

settings.register_profile("house", deadline=None, max_examples=50, derandomize=True)
settings.register_profile("explore", deadline=None, max_examples=1000, print_blob=True)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "house"))
