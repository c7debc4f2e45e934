"""Curves over wavelength: quantum efficiency, source spectra, filters, and integrals of their products.

A curve is linear between its samples and zero outside their range. Integrals are trapezoids on the union
of all sample points inside the range that the curves share.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from getframes.errors import DomainError, did_you_mean, require
from getframes.quantity import plain

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray
    from typing_extensions import Self

_HC_OVER_K_NM_K = 1.438776877503933e7  # second radiation constant hc/k [nm K], CODATA 2019 (exact)

_JOHNSON_NM = {  # centre, full width at half maximum
    "U": (365.0, 66.0),
    "B": (445.0, 94.0),
    "V": (551.0, 88.0),
    "R": (658.0, 138.0),
    "I": (806.0, 149.0),
    "J": (1235.0, 162.0),
    "H": (1662.0, 251.0),
    "Ks": (2159.0, 262.0),
}


@dataclass(frozen=True, eq=False)
class Spectrum:
    """A non-negative curve over wavelength; linear between samples, zero outside them.

    Attributes
    ----------
    wavelength_nm : ndarray, shape (n,)
        Increasing wavelengths [nm], at least two.
    value : ndarray, shape (n,)
        Values there, >= 0.

    Raises
    ------
    DomainError
        When an array is not of that kind.
    """

    _value_unit: ClassVar[str] = ""
    _ceiling: ClassVar[float] = np.inf

    wavelength_nm: NDArray[np.float64]
    value: NDArray[np.float64]

    def __post_init__(self) -> None:
        wavelength = _samples(self, "wavelength_nm", self.wavelength_nm, "nm")
        value = _samples(self, "value", self.value, self._value_unit)
        require(wavelength.size >= 2, self, "wavelength_nm", "at least two samples", wavelength.size)
        require(
            wavelength.size == value.size,
            self,
            "value",
            f"as long as wavelength_nm ({wavelength.size})",
            value.size,
        )
        require(wavelength[0] > 0, self, "wavelength_nm", "> 0 nm", float(wavelength[0]))
        steps = np.diff(wavelength)
        require(
            bool((steps > 0).all()), self, "wavelength_nm", "increasing", _first(wavelength[1:], steps <= 0)
        )
        require(bool((value >= 0).all()), self, "value", ">= 0", _first(value, value < 0))
        high = value > self._ceiling
        require(not high.any(), self, "value", f"in [0, {self._ceiling:g}]", _first(value, high))
        object.__setattr__(self, "wavelength_nm", wavelength)
        object.__setattr__(self, "value", value)

    def __call__(self, wavelength_nm: ArrayLike) -> NDArray[np.float64]:
        """Values at `wavelength_nm` [nm], of any shape; zero outside the range."""
        at = np.asarray(plain(wavelength_nm, "nm", self, "wavelength_nm"), dtype=np.float64)
        result: NDArray[np.float64] = np.interp(at, self.wavelength_nm, self.value, left=0.0, right=0.0)
        return result

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Spectrum):
            return NotImplemented
        return self._key() == other._key()

    def __hash__(self) -> int:
        return hash(self._key())

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), tuple(getattr(self, field.name) for field in fields(self))

    def _key(self) -> tuple[Any, ...]:
        rest = tuple(getattr(self, field.name) for field in fields(self)[2:])
        return type(self), self.wavelength_nm.tobytes(), self.value.tobytes(), *rest

    @classmethod
    def from_file(
        cls,
        path: str | Path,
        *,
        wavelength_to_nm: float = 1.0,
        delimiter: str | None = None,
        skiprows: int = 0,
        usecols: tuple[int, int] = (0, 1),
    ) -> Self:
        """Read two columns of a text file; lines that begin with ``#`` are skipped.

        Parameters
        ----------
        path : str or Path
            The file.
        wavelength_to_nm : float
            Factor from the unit of the file to nm: 0.1 for angstrom, 1000 for um.
        delimiter, skiprows, usecols : str, int, tuple of int
            As in `numpy.loadtxt`.

        Raises
        ------
        OSError
            When the file cannot be read.
        DomainError
            When it does not hold such a curve.
        """
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("error", UserWarning)  # of a file without data
                columns = np.loadtxt(path, delimiter=delimiter, skiprows=skiprows, usecols=usecols, ndmin=2)
            if columns.shape[1] != 2:
                raise DomainError(f"usecols must be two columns, got {usecols!r}")
            return cls(columns[:, 0] * wavelength_to_nm, columns[:, 1])
        except (ValueError, UserWarning) as error:
            raise DomainError(f"{path} does not hold a curve of {cls.__name__}: {error}") from error

    def integrate(self) -> float:
        """Integral over the whole range, in units of the value times nm."""
        return _trapezoid(self.wavelength_nm, self.value)

    @property
    def wavelength_min_nm(self) -> float:
        """Where the range begins [nm]."""
        return float(self.wavelength_nm[0])

    @property
    def wavelength_max_nm(self) -> float:
        """Where the range ends [nm]."""
        return float(self.wavelength_nm[-1])


@dataclass(frozen=True, eq=False)
class QE(Spectrum):
    """Quantum efficiency against wavelength: electrons per incident photon, in [0, 1]."""

    _ceiling: ClassVar[float] = 1.0

    @classmethod
    def from_arrays(cls, wavelength_nm: ArrayLike, qe: ArrayLike) -> QE:
        """The curve through these samples; wavelengths [nm] increasing."""
        return cls(wavelength_nm, qe)  # type: ignore[arg-type]

    @classmethod
    def constant(
        cls, value: float, wavelength_min_nm: float = 300.0, wavelength_max_nm: float = 1100.0
    ) -> QE:
        """The same `value` over a range [nm]."""
        return cls.from_arrays([wavelength_min_nm, wavelength_max_nm], [value, value])


@dataclass(frozen=True, eq=False)
class SED(Spectrum):
    """Spectrum of a source in photons, not energy.

    Attributes
    ----------
    is_absolute : bool
        True when values are photons/s/m2/nm above the atmosphere; else only the shape counts.
    """

    _value_unit: ClassVar[str] = "photons/s/m2/nm"

    is_absolute: bool = False

    @classmethod
    def from_arrays(cls, wavelength_nm: ArrayLike, photon_flux: ArrayLike) -> SED:
        """A shape: photons per wavelength in any unit."""
        return cls(wavelength_nm, photon_flux)  # type: ignore[arg-type]

    @classmethod
    def from_flux_density(cls, wavelength_nm: ArrayLike, photon_flux_density: ArrayLike) -> SED:
        """An absolute spectrum [photons/s/m2/nm]."""
        return cls(wavelength_nm, photon_flux_density, is_absolute=True)  # type: ignore[arg-type]

    @classmethod
    def flat(cls, wavelength_min_nm: float = 300.0, wavelength_max_nm: float = 1100.0) -> SED:
        """As many photons at every wavelength of the range."""
        return cls.from_arrays([wavelength_min_nm, wavelength_max_nm], [1.0, 1.0])

    @classmethod
    def blackbody(
        cls,
        temperature_k: float,
        wavelength_min_nm: float = 300.0,
        wavelength_max_nm: float = 1100.0,
        n_samples: int = 256,
    ) -> SED:
        """Planck's law in photons, with its highest sample 1: lambda^-4 / (exp(hc / lambda k T) - 1)."""
        temperature = float(plain(temperature_k, "K", "SED.blackbody", "temperature_k"))
        require(0 < temperature < np.inf, "SED.blackbody", "temperature_k", "> 0 K", temperature_k)
        wavelength = _grid("SED.blackbody", wavelength_min_nm, wavelength_max_nm, n_samples)
        exponent = _HC_OVER_K_NM_K / (wavelength * temperature)
        log_radiance = -4.0 * np.log(wavelength) - exponent - np.log(-np.expm1(-exponent))
        return cls.from_arrays(wavelength, np.exp(log_radiance - log_radiance.max()))

    @classmethod
    def power_law(
        cls,
        index: float,
        reference_wavelength_nm: float = 550.0,
        wavelength_min_nm: float = 300.0,
        wavelength_max_nm: float = 1100.0,
        n_samples: int = 64,
    ) -> SED:
        """(lambda / reference)^index, which is 1 at the reference wavelength."""
        reference = float(plain(reference_wavelength_nm, "nm", "SED.power_law", "reference_wavelength_nm"))
        require(reference > 0, "SED.power_law", "reference_wavelength_nm", "> 0 nm", reference)
        wavelength = _grid("SED.power_law", wavelength_min_nm, wavelength_max_nm, n_samples)
        return cls.from_arrays(wavelength, (wavelength / reference) ** index)


@dataclass(frozen=True)
class SpectralBandpass:
    """Throughput of a filter against wavelength, photons out per photon in, in [0, 1].

    Attributes
    ----------
    response : Spectrum
        The curve.
    """

    response: Spectrum

    def __post_init__(self) -> None:
        require(isinstance(self.response, Spectrum), self, "response", "a Spectrum", self.response)
        peak = float(self.response.value.max())
        require(0 < peak <= 1, self, "response", "in [0, 1] and not zero everywhere", peak)

    @classmethod
    def from_arrays(cls, wavelength_nm: ArrayLike, throughput: ArrayLike) -> SpectralBandpass:
        """The curve through these samples; wavelengths [nm] increasing."""
        return cls(Spectrum(wavelength_nm, throughput))  # type: ignore[arg-type]

    @classmethod
    def from_file(cls, path: str | Path, **kwargs: Any) -> SpectralBandpass:
        """Read a curve as `Spectrum.from_file` does."""
        return cls(Spectrum.from_file(path, **kwargs))

    @classmethod
    def from_product(cls, *items: SpectralBandpass | Spectrum) -> SpectralBandpass:
        """Filters and curves one behind the other."""
        curves = [item.response if isinstance(item, SpectralBandpass) else item for item in items]
        return cls(product(*curves))

    @classmethod
    def tophat(cls, center_nm: float, width_nm: float, peak: float = 1.0) -> SpectralBandpass:
        """`peak` over a range of `width_nm` about `center_nm`, and zero outside it."""
        center = float(plain(center_nm, "nm", "SpectralBandpass.tophat", "center_nm"))
        width = float(plain(width_nm, "nm", "SpectralBandpass.tophat", "width_nm"))
        require(
            0 < width < 2 * center, "SpectralBandpass.tophat", "width_nm", "> 0 and < 2 center_nm", width_nm
        )
        require(0 < peak <= 1, "SpectralBandpass.tophat", "peak", "in (0, 1]", peak)
        return cls.from_arrays([center - width / 2, center + width / 2], [peak, peak])

    @classmethod
    def johnson(cls, band: str) -> SpectralBandpass:
        """A top hat with the centre and width of U, B, V, R, I, J, H or Ks.

        Sources: Binney and Merrifield 1998, Galactic Astronomy, table 2.1 (U to I); Cohen, Wheaton and
        Megeath 2003, doi:10.1086/376474 (J, H, Ks). The shape of the real band is not modelled.
        """
        for name, (center, width) in _JOHNSON_NM.items():
            if isinstance(band, str) and name.upper() == band.upper():
                return cls.tophat(center, width)
        raise DomainError(
            f"Johnson band must be one of {', '.join(_JOHNSON_NM)}, got {band!r}"
            f"{did_you_mean(str(band), _JOHNSON_NM)}"
        )

    @property
    def pivot_wavelength_nm(self) -> float:
        """Pivot wavelength [nm] of a photon-counting detector: (int T l dl / int T / l dl)^1/2.

        Bessell and Murphy 2012, doi:10.1086/664083.
        """
        return float(np.sqrt(_moment(self.response) / _inverse_moment(self.response)))

    @property
    def mean_wavelength_nm(self) -> float:
        """Mean wavelength [nm]: int T l dl / int T dl."""
        return _moment(self.response) / self.response.integrate()


def product(*spectra: Spectrum) -> Spectrum:
    """The product of curves, on the union of their samples inside the range they share.

    Raises
    ------
    DomainError
        When no curve is given, or they share no range.
    """
    require(len(spectra) > 0, "", "product", "of at least one spectrum", 0)
    grid = _shared_grid(spectra)
    if grid.size < 2:
        ranges = ", ".join(_range(spectrum) for spectrum in spectra)
        raise DomainError(f"spectra must share a range of wavelengths, got {ranges}")
    return Spectrum(grid, _values(grid, spectra))


def overlap_integral(*spectra: Spectrum) -> float:
    """Integral of the product of curves; zero where they share no range.

    Raises
    ------
    DomainError
        When no curve is given.
    """
    require(len(spectra) > 0, "", "overlap_integral", "of at least one spectrum", 0)
    grid = _shared_grid(spectra)
    return _trapezoid(grid, _values(grid, spectra))


def effective_qe(qe: QE, bandpass: SpectralBandpass, sed: SED | None = None) -> float:
    """Quantum efficiency for the photons of a source behind a filter: int S T QE / int S T.

    Parameters
    ----------
    qe : QE
        The sensor.
    bandpass : SpectralBandpass
        T, the filter.
    sed : SED, optional
        S, photons per wavelength; the same at every wavelength when left out. Where it has no samples
        there is no light.

    Raises
    ------
    DomainError
        When source, filter and sensor share no light.
    """
    light = (bandpass.response,) if sed is None else (bandpass.response, sed)
    grid = _shared_grid(light, more=qe)
    incident = _trapezoid(grid, _values(grid, light))
    if incident <= 0 or _shared_grid((*light, qe)).size < 2:
        raise DomainError(
            "effective_qe must be given a filter, a source and a QE that share wavelengths, "
            f"got a filter over {_range(bandpass.response)} and a QE over {_range(qe)}"
        )
    return overlap_integral(*light, qe) / incident


def _samples(owner: Any, field: str, values: Any, unit: str) -> NDArray[np.float64]:
    """A read-only float64 copy, one-dimensional and finite."""
    try:
        array = np.array(plain(values, unit, owner, field), dtype=np.float64, order="C")
    except (TypeError, ValueError) as error:
        if isinstance(error, DomainError):
            raise
        raise DomainError(f"{type(owner).__name__}.{field} must be numbers, got {values!r:.80}") from None
    require(array.ndim == 1, owner, field, "one-dimensional", array.shape)
    require(bool(np.isfinite(array).all()), owner, field, "finite", _first(array, ~np.isfinite(array)))
    array.flags.writeable = False
    return array


def _first(values: NDArray[np.float64], bad: NDArray[np.bool_]) -> float | None:
    return float(values[int(np.argmax(bad))]) if bad.any() else None


def _grid(owner: str, low: Any, high: Any, count: int) -> NDArray[np.float64]:
    low = float(plain(low, "nm", owner, "wavelength_min_nm"))
    high = float(plain(high, "nm", owner, "wavelength_max_nm"))
    require(0 < low < high < np.inf, owner, "wavelength_min_nm", "> 0 and < wavelength_max_nm", low)
    require(count >= 2, owner, "n_samples", ">= 2", count)
    return np.linspace(low, high, count)


def _range(spectrum: Spectrum) -> str:
    return f"{spectrum.wavelength_min_nm:g}-{spectrum.wavelength_max_nm:g} nm"


def _shared_grid(spectra: tuple[Spectrum, ...], more: Spectrum | None = None) -> NDArray[np.float64]:
    """Samples of all curves (and of `more`) inside the range that `spectra` share."""
    low = max(s.wavelength_min_nm for s in spectra)
    high = min(s.wavelength_max_nm for s in spectra)
    if high <= low:
        return np.empty(0)
    curves = spectra if more is None else (*spectra, more)
    grid = np.unique(np.concatenate([s.wavelength_nm for s in curves]))
    return grid[(grid >= low) & (grid <= high)]


def _values(grid: NDArray[np.float64], spectra: tuple[Spectrum, ...]) -> NDArray[np.float64]:
    result = np.ones_like(grid)
    for spectrum in spectra:
        result *= spectrum(grid)
    return result


def _trapezoid(x: NDArray[np.float64], y: NDArray[np.float64]) -> float:
    return float(np.sum(np.diff(x) * (y[1:] + y[:-1])) / 2.0)


def _moment(curve: Spectrum) -> float:
    """Exact integral of T times wavelength for a curve that is linear between samples."""
    a, b = curve.wavelength_nm[:-1], curve.wavelength_nm[1:]
    low, high = curve.value[:-1], curve.value[1:]
    return float(np.sum((b - a) * (a * (2 * low + high) + b * (low + 2 * high))) / 6.0)


def _inverse_moment(curve: Spectrum) -> float:
    """Exact integral of T over wavelength for a curve that is linear between samples."""
    a, b = curve.wavelength_nm[:-1], curve.wavelength_nm[1:]
    slope = np.diff(curve.value) / (b - a)
    return float(np.sum((curve.value[:-1] - slope * a) * np.log(b / a) + slope * (b - a)))
