"""Sources drawn into images, by the definition: one at a time, each pixel integrated.

Same file names as `rust/getframes-sim/src/deposit`. Positions are in pixels, with pixel centres at integers;
images are float64 of shape `(height, width)`.
"""

from getframes.reference.deposit.airy import airy
from getframes.reference.deposit.array import array
from getframes.reference.deposit.elliptical import elliptical
from getframes.reference.deposit.galaxy import galaxy
from getframes.reference.deposit.gaussian import gaussian
from getframes.reference.deposit.moffat import moffat
from getframes.reference.deposit.transform import behind_airy

__all__ = ["airy", "array", "behind_airy", "elliptical", "galaxy", "gaussian", "moffat"]
