"""`getframes.calibrate`: a function, and a module to import from. The work is done in `getframes.reduce`."""

from __future__ import annotations

import sys
from importlib import import_module
from inspect import signature
from types import ModuleType
from typing import Any

from getframes.frame import Frame
from getframes.reduce import Calibration, combine
from getframes.reduce.correction import calibrate

__all__ = ["Calibration", "calibrate", "combine"]


class _CallableModule(ModuleType):
    """A module that is the function of its name when it is called, and that pickles."""

    def __call__(self, raw: Any, **masters: Any) -> Frame:
        return calibrate(raw, **masters)

    def __reduce__(self) -> tuple[Any, ...]:
        return import_module, (self.__name__,)


_module = sys.modules[__name__]
_module.__class__ = _CallableModule
_module.__signature__ = signature(calibrate)  # type: ignore[attr-defined]
