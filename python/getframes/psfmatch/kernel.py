"""A kernel that varies over an image: a mean kernel, and a few kernels of sum 0 that count more here and less there.

Law: K(x, y) = s (K_0 + sum_r S_r(x, y) E_r). E_r are the principal components of the kernels of the nodes; S_r is a polynomial of position in Chebyshev
polynomials, which the values at Chebyshev-Gauss nodes give without a fit. Because E_r sum to 0, the sum of K is s everywhere.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from getframes._native import psf as native
from getframes.errors import DomainError, ShapeError, require
from getframes.memory import require_memory

if TYPE_CHECKING:
    from collections.abc import Callable
    from os import PathLike

    from numpy.typing import ArrayLike, NDArray

    Kernels = NDArray[np.float64]

EDGES = ("nan", "renormalize", "reflect")


@dataclass(frozen=True, eq=False, repr=False)
class VaryingKernel:
    """A convolution kernel at any place of an image.

    Attributes
    ----------
    parts : array (1 + rank, side, side)
        The mean kernel, of sum 1, and the components, of sum 0.
    surfaces : tuple of arrays (degrees in y, degrees in x)
        Chebyshev coefficients of each component, x and y from -1 to 1 over the pixel centres of the image.
    shape : (int, int)
        Height and width of the image [px].
    sum : float
        Sum of the kernel, s.
    """

    parts: Kernels
    surfaces: tuple[NDArray[np.float64], ...]
    shape: tuple[int, int]
    sum: float = 1.0

    @property
    def side(self) -> int:
        """Side of the kernel [px]."""
        return int(self.parts.shape[1])

    @property
    def rank(self) -> int:
        """How many components vary."""
        return len(self.surfaces)

    def __call__(self, x: float, y: float) -> Kernels:
        """The kernel at a position [px], shape (side, side)."""
        u, v = (scaled(at, length) for at, length in ((x, self.shape[1]), (y, self.shape[0])))
        kernel = self.parts[0].copy()
        for part, surface in zip(self.parts[1:], self.surfaces, strict=True):
            kernel += float(np.polynomial.chebyshev.chebval2d(v, u, surface)) * part
        return np.asarray(self.sum * kernel)

    def noise_gain(self, x: float, y: float) -> float:
        """sqrt(sum K^2) at a position [px]."""
        return float(np.sqrt((self(x, y) ** 2).sum()))

    def mapped(self, function: Callable[[Kernels], Kernels], tolerance: float) -> VaryingKernel:
        """Another kernel made of this one place by place, K^2 say, but for `tolerance`; at so many nodes that squares are exact."""
        degrees = np.array([surface.shape for surface in self.surfaces] or [(1, 1)]).max(axis=0)
        ys, xs = (chebyshev_nodes(n, 2 * int(d) - 1) for n, d in zip(self.shape, degrees, strict=True))
        kernels = np.array([[function(self(x, y)) for x in xs] for y in ys])
        return fitted(kernels, xs, ys, self.shape, tolerance, len(kernels) * len(kernels[0]))

    def convolve(self, image: ArrayLike, *, edge: str = "nan") -> NDArray[np.floating[Any]]:
        """An image, convolved with the kernel of each of its places.

        Parameters
        ----------
        image : array (height, width)
            float32 stays float32; anything else becomes float64.
        edge : {"nan", "renormalize", "reflect"}
            What pixels get whose kernel reaches beyond the image: NaN; the sum over what is there, divided by the part of the kernel over it; or the sum
            over the image mirrored at its first and last pixels.

        Returns
        -------
        array (height, width)

        Raises
        ------
        ShapeError
            If the image does not have the shape of the kernel's image.
        DomainError
            If a pixel is not finite, or the edge is unknown.
        """
        require(edge in EDGES, "", "edge", f"one of {', '.join(EDGES)}", edge)
        pixels = np.asarray(image)
        pixels = np.ascontiguousarray(pixels, np.float32 if pixels.dtype == np.float32 else np.float64)
        if pixels.shape != self.shape:
            raise ShapeError(f"image must have shape {self.shape}, got {pixels.shape}")
        if not np.isfinite(pixels).all():
            y, x = np.argwhere(~np.isfinite(pixels))[0]
            raise DomainError(f"image must be finite, got {pixels[y, x]} at (y, x) = ({y}, {x})")
        out = self.sums(pixels, "reflect" if edge == "reflect" else "zero")
        if edge == "renormalize":
            covered = self.sums(np.ones_like(pixels), "zero")
        for strip in border(self.shape, self.side):
            if edge == "nan":
                out[strip] = np.nan
            if edge == "renormalize":
                out[strip] *= self.sum / covered[strip]
        return out

    def sums(self, pixels: NDArray[Any], edge: str) -> NDArray[Any]:
        """The sums alone: the image is contiguous, float32 or float64, finite, and beyond it is nothing ("zero") or the image again ("reflect")."""
        require_memory(self.shape, pixels.itemsize, "a convolved image")
        out = np.empty_like(pixels)
        parts = np.ascontiguousarray(self.sum * self.parts)
        surfaces = [None, *(np.ascontiguousarray(surface) for surface in self.surfaces)]
        native.convolve((pixels, out), parts, surfaces, edge=edge)
        return out

    def save(self, path: str | PathLike[str], *, overwrite: bool = False) -> None:
        """Write the kernel to an ``.npz`` file, complete or not at all."""
        from getframes.io.atomic import replacing

        arrays: dict[str, Any] = {
            f"surface_{number}": surface for number, surface in enumerate(self.surfaces)
        }
        arrays |= {"parts": self.parts, "shape": np.array(self.shape), "sum": np.array(self.sum)}
        with replacing(path, overwrite=overwrite) as unfinished, unfinished.open("wb") as file:
            np.savez(file, **arrays)

    @classmethod
    def load(cls, path: str | PathLike[str]) -> VaryingKernel:
        """Read a kernel that `save` wrote."""
        with np.load(path, allow_pickle=False) as file:
            surfaces = tuple(file[f"surface_{number}"] for number in range(len(file["parts"]) - 1))
            height, width = file["shape"].tolist()
            return cls(file["parts"], surfaces, (height, width), float(file["sum"]))

    def __repr__(self) -> str:
        return f"VaryingKernel(side={self.side}, rank={self.rank}, sum={self.sum:g}, image={self.shape[0]} x {self.shape[1]})"


def scaled(at: Any, length: int) -> Any:
    """Pixel positions as numbers from -1 to 1 over an axis."""
    return 2.0 * at / (length - 1) - 1.0 if length > 1 else 0.0 * at


def border(shape: tuple[int, int], side: int) -> tuple[tuple[slice, slice], ...]:
    """Where the kernel of a pixel reaches beyond the image: strips (rows, columns) that do not overlap."""
    (top, below), (left, right) = ((min(side // 2, n), max(side // 2, n - side // 2)) for n in shape)
    whole, between = slice(0, shape[1]), slice(top, below)
    return (
        (slice(0, top), whole),
        (slice(below, shape[0]), whole),
        (between, slice(0, left)),
        (between, slice(right, shape[1])),
    )


def chebyshev_nodes(length: int, count: int) -> NDArray[np.float64]:
    """Chebyshev-Gauss points over the pixel centres of an axis, ascending [px]."""
    points = -np.cos(np.pi * (np.arange(count) + 0.5) / count)
    return np.asarray(0.5 * (points + 1.0) * (length - 1))


def fitted(
    kernels: Kernels,
    x: NDArray[np.float64],
    y: NDArray[np.float64],
    shape: tuple[int, int],
    tolerance: float,
    most_rank: int,
) -> VaryingKernel:
    """The kernel through those of Chebyshev-Gauss nodes, shape (n_y, n_x, side, side).

    Components are left out as soon as what they add falls below `tolerance` of the norm of the kernels.
    """
    rows, columns, side, _ = kernels.shape
    flat = kernels.reshape(rows * columns, side**2)
    mean = flat.mean(axis=0)
    most = min(flat.shape)
    scores, components = np.empty((len(flat), most)), np.empty((most, side**2))
    native.components(flat - mean, scores, components)
    strength, norm = np.sqrt((scores**2).sum(axis=0)), float(np.sqrt((flat**2).sum()))
    # What is left out when r components are kept.
    rest = np.sqrt(np.cumsum((strength**2)[::-1])[::-1])
    rank = min(int(np.count_nonzero(rest > tolerance * norm)), most_rank)
    surfaces = []
    for component in range(rank):
        values = scores[:, component].reshape(rows, columns)
        surfaces.append(_coefficients(values, scaled(x, shape[1]), scaled(y, shape[0])))
    parts = np.concatenate([mean[None], components[:rank]]).reshape(rank + 1, side, side)
    total = float(mean.sum())
    return VaryingKernel(parts / total, tuple(surfaces), shape, total)


def _coefficients(
    values: NDArray[np.float64], u: NDArray[np.float64], v: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Chebyshev coefficients of what has these values at Chebyshev-Gauss nodes: those polynomials are orthogonal over them."""
    across, along = (
        np.polynomial.chebyshev.chebvander(points, points.size - 1)
        * np.where(np.arange(points.size), 2.0, 1.0)
        / points.size
        for points in (u, v)
    )
    return np.asarray(along.T @ values @ across)
