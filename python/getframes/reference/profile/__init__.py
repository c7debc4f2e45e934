"""Profiles as mixtures of Gaussians, by their definition. Same file names as `rust/getframes-core/src/profile`."""

from getframes.reference.profile.airy import airy
from getframes.reference.profile.moffat import moffat
from getframes.reference.profile.sersic import sersic

__all__ = ["airy", "moffat", "sersic"]
