"""A focal plane: several cameras behind one telescope, lit by one lamp and looking at one sky.

| symbol | meaning                                                                | unit                  |
|--------|------------------------------------------------------------------------|-----------------------|
| x, y   | place on the focal plane, from the optical axis                        | mm                    |
| P      | light of the lamp over the focal plane, 1 on the axis                  | 1                     |
| L_e    | level of the lamp in exposure e                                        | 1                     |
| r      | response of a detector, or of one of its amplifiers                    | 1                     |

Law: the light of flat e on a pixel is rate L_e P(x, y) r. P = (1 - v (R/R_field)^p) (1 + g_x x + g_y y): vignetting times the gradient of the screen.
L_e = exp(d e + f z_e): a steady drift and a flicker, z_e standard normal.

Every frame is addressed by the seed, the name of its detector and the number of its exposure: it is the same whatever else is taken.

Not modelled: detectors that are rotated or tilted, gaps of the optics, light that is scattered, a lamp whose colour or pattern changes.
"""

from __future__ import annotations

from getframes.focal_plane.detector import FocalPlaneDetector
from getframes.focal_plane.illumination import Illumination
from getframes.focal_plane.plane import FlatTruth, FocalPlane

__all__ = ["FlatTruth", "FocalPlane", "FocalPlaneDetector", "Illumination"]
