"""Brightness against time: a factor on the light of a source."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from getframes.errors import require
from getframes.quantity import finite


@dataclass(frozen=True)
class LightCurve:
    """A factor on the brightness of a source, as a function of time [s].

    Attributes
    ----------
    func : callable
        Factor at a time [s]; >= 0 and finite wherever it is used.
    """

    func: Callable[[float], float]

    def __post_init__(self) -> None:
        require(callable(self.func), self, "func", "a function of time", self.func)

    def __call__(self, time_s: float) -> float:
        """Factor at `time_s` [s].

        Raises
        ------
        DomainError
            When the function gives a negative or non-finite factor there.
        """
        given = self.func(finite(time_s, "s", self, "time_s"))
        factor = finite(given, "", self, f"func at {time_s} s")
        require(factor >= 0.0, self, f"func at {time_s} s", ">= 0", factor)
        return factor

    @classmethod
    def constant(cls, level: float = 1.0) -> LightCurve:
        """The same factor at every time."""
        value = finite(level, "", "LightCurve.constant", "level")
        require(value >= 0.0, "LightCurve.constant", "level", ">= 0", value)
        return cls(_Constant(value))

    @classmethod
    def box(cls, depth: float, t0: float, t1: float, baseline: float = 1.0) -> LightCurve:
        """`baseline`, and `baseline * (1 - depth)` for t0 <= t < t1 [s]: a transit without limb darkening."""
        start, end = (finite(t, "s", "LightCurve.box", name) for name, t in (("t0", t0), ("t1", t1)))
        part, level = (
            finite(depth, "", "LightCurve.box", "depth"),
            finite(baseline, "", "LightCurve.box", "baseline"),
        )
        require(part <= 1.0, "LightCurve.box", "depth", "<= 1", part)
        require(level >= 0.0, "LightCurve.box", "baseline", ">= 0", level)
        require(start <= end, "LightCurve.box", "t0", f"<= t1 ({end} s)", start)
        return cls(_Box(part, start, end, level))

    @classmethod
    def sinusoidal(
        cls, amplitude: float, period_s: float, *, phase: float = 0.0, baseline: float = 1.0
    ) -> LightCurve:
        """`baseline + amplitude * sin(2 pi t / period + phase)`, with the phase in radians."""
        period = finite(period_s, "s", "LightCurve.sinusoidal", "period_s")
        require(period > 0, "LightCurve.sinusoidal", "period_s", "> 0 s", period)
        given = {"amplitude": amplitude, "phase": phase, "baseline": baseline}
        wave = {name: finite(value, "", "LightCurve.sinusoidal", name) for name, value in given.items()}
        return cls(_Sinusoid(period_s=period, **wave))

    @classmethod
    def from_function(cls, func: Callable[[float], float]) -> LightCurve:
        """Any function of time [s]; to be pickled, it must be importable."""
        return cls(func)


@dataclass(frozen=True)
class _Constant:
    level: float

    def __call__(self, time_s: float) -> float:
        return self.level


@dataclass(frozen=True)
class _Box:
    depth: float
    t0: float
    t1: float
    baseline: float

    def __call__(self, time_s: float) -> float:
        inside = self.t0 <= time_s < self.t1
        return self.baseline * (1.0 - self.depth) if inside else self.baseline


@dataclass(frozen=True)
class _Sinusoid:
    amplitude: float
    period_s: float
    phase: float
    baseline: float

    def __call__(self, time_s: float) -> float:
        return self.baseline + self.amplitude * math.sin(2.0 * math.pi * time_s / self.period_s + self.phase)


def factor_at(brightness: LightCurve | None, time_s: float | None) -> float:
    """The factor of a source at a time; 1 without a light curve, or without a time."""
    return 1.0 if brightness is None or time_s is None else brightness(time_s)
