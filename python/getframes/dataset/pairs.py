"""Pairs of a raw frame and the noise-free image behind it."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from copy import copy as copied
from operator import index as as_integer
from secrets import randbits
from typing import TYPE_CHECKING, Any, TypedDict

import numpy as np

from getframes.dataset.manifest import Journal, file_name, read_record
from getframes.dataset.recipe import digest
from getframes.dataset.writer import Item, intact_items, write_items
from getframes.errors import DomainError, OutputExistsError, require
from getframes.io.atomic import make_folder
from getframes.io.progress import progress
from getframes.memory import require_memory
from getframes.noise.stream import STREAM_VERSION, seed_key
from getframes.quantity import plain

if TYPE_CHECKING:
    from os import PathLike
    from pathlib import Path

    from numpy.typing import DTypeLike, NDArray

    from getframes.camera import Camera
    from getframes.frame import Frame
    from getframes.scene import Scene


_LOG = logging.getLogger("getframes.dataset")


class Pair(TypedDict):
    """One item of a data set."""

    raw: NDArray[np.floating[Any]]
    """ADU, shape (height, width)."""
    truth: NDArray[np.floating[Any]]
    """Expected charge before noise [e-], shape (height, width)."""


class PairDataset:
    """Raw frames of scenes, each with its truth, as a network is trained on.

    Item `i` is frame `i` of the seed: it has the same bits made alone, in any order and in any process.

    Parameters
    ----------
    camera : Camera
        Takes the frames.
    scenes : iterable of Scene
        A sequence, such as `RandomStarFields`, gives random access. A one-shot iterator works once, without
        length or index.
    exposure : float
        Exposure time [s].
    temperature : float, optional
        Temperature of the sensor [deg C]; without it the camera's own.
    dtype : dtype
        Floating type of the arrays.
    seed : int, optional
        Seed of the noise. Without it one is drawn from the operating system; `seed` tells which.

    Raises
    ------
    DomainError
        If a value is impossible, or `dtype` does not hold every ADU of the camera exactly.
    """

    def __init__(
        self,
        camera: Camera,
        scenes: Iterable[Scene],
        exposure: float,
        *,
        temperature: float | None = None,
        dtype: DTypeLike = np.float32,
        seed: int | None = None,
    ) -> None:
        exposure = plain(exposure, "s", self, "exposure")
        require(np.isfinite(exposure) and exposure >= 0, self, "exposure", "finite and >= 0 s", exposure)
        iterable = isinstance(scenes, Iterable) or hasattr(scenes, "__getitem__")
        require(iterable, self, "scenes", "an iterable of Scene", scenes)
        self.camera = camera
        self.scenes: Any = scenes
        self.exposure = exposure
        self.temperature = plain(temperature, "deg C", self, "temperature")
        self.dtype = exact_dtype(dtype, camera.config.bit_depth)
        self.seed_drawn = seed is None
        self.seed = randbits(128) if seed is None else seed
        seed_key(self.seed)  # refuses what is no seed, now and not at the first item
        self._used = False

    def __len__(self) -> int:
        try:
            length: int = len(self.scenes)
        except TypeError:
            raise TypeError(f"a PairDataset of a {type(self.scenes).__name__} has no length") from None
        return length

    def __iter__(self) -> Iterator[Pair]:
        for number, scene in enumerate(self._each_scene()):
            yield self._pair(self._frame(number, scene))

    def __getitem__(self, index: int) -> Pair:
        """Item `index`, made alone; negative numbers count from the end."""
        if not hasattr(self.scenes, "__getitem__"):
            raise TypeError(f"a PairDataset of a {type(self.scenes).__name__} has no index, only a loop")
        number = as_integer(index)
        if number < 0:
            number += len(self)
        if not 0 <= number < len(self):
            raise IndexError(f"PairDataset index must be below its length {len(self)}, got {index}")
        return self._pair(self._frame(number, self.scenes[number]))

    def __repr__(self) -> str:
        return (
            f"PairDataset(camera={self.camera.name!r}, scenes={self.scenes!r}, exposure={self.exposure}, "
            f"dtype={self.dtype}, seed={self.seed})"
        )

    def to_npz(
        self, directory: str | PathLike[str], *, prefix: str = "pair", compress: bool = False
    ) -> list[str]:
        """Write one npz file per item, with the keys ``raw`` and ``truth``.

        Each file appears complete or not at all, and the manifest ``<prefix>_manifest.json`` records its
        size and SHA-256 (`verify` compares). Called again with the same arguments, after whatever
        interruption, it makes the files that are missing or damaged, with the same bytes, and no other.
        Where no seed was given, that goes on with the seed drawn by the first call.

        Parameters
        ----------
        directory : path
            The folder; made where it does not exist.
        prefix : str
            First part of the file names, ``<prefix>_000000.npz``. Several data sets can share a folder.
        compress : bool
            Deflate the arrays.

        Returns
        -------
        list of str
            The files in the order of the items.

        Raises
        ------
        OutputError
            If the folder has files of another recipe or without one (then it is also a `FileExistsError`;
            nothing is overwritten), or cannot be written.
        IntegrityError
            If the folder's manifest is damaged.
        """
        folder = make_folder(directory)
        dataset = self._continuing(folder, prefix)
        with Journal(folder, prefix, dataset._recipe(compress=compress)) as journal:
            items = progress(dataset._items(journal), self._length(), prefix)
            count = write_items(journal, items, compress=compress)
            journal.finish()
        _LOG.info("%s: %d items", folder, count)
        return [str(folder / file_name(prefix, number)) for number in range(count)]

    def to_arrays(self) -> tuple[NDArray[np.floating[Any]], NDArray[np.floating[Any]]]:
        """All items in memory: raw [ADU] and truth [e-], each (N, height, width).

        Raises
        ------
        SizeError
            If they would not fit into the memory of this machine; nothing has been allocated.
        """
        count = self._length()
        if count is None:
            pairs = list(self)
            return self._stacked([pair["raw"] for pair in pairs]), self._stacked(
                [pair["truth"] for pair in pairs]
            )
        shape = (count, *self.camera.config.frame_resolution)
        require_memory(shape, 2 * self.dtype.itemsize, "PairDataset.to_arrays")
        raw, truth = np.empty(shape, self.dtype), np.empty(shape, self.dtype)
        for number, pair in enumerate(self):
            raw[number], truth[number] = pair["raw"], pair["truth"]
        return raw, truth

    def _stacked(self, images: list[NDArray[Any]]) -> NDArray[Any]:
        return np.stack(images) if images else np.empty((0, *self.camera.config.frame_resolution), self.dtype)

    def _length(self) -> int | None:
        return len(self) if hasattr(self.scenes, "__len__") else None

    def _each_scene(self) -> Iterator[Scene]:
        if not isinstance(self.scenes, Iterable):  # a sequence without a loop of its own
            return (self.scenes[number] for number in range(len(self)))
        scenes = iter(self.scenes)
        if scenes is self.scenes:
            if self._used:
                raise TypeError(
                    "the scenes of this PairDataset were a one-shot iterator, and it has been used"
                )
            self._used = True
        return scenes

    def _frame(self, number: int, scene: Scene) -> Frame:
        frame: Frame = self.camera.observe_item(scene, self.exposure, self.temperature, self.seed, number)
        return frame

    def _pair(self, frame: Frame, *, copy: bool = True) -> Pair:
        """The arrays of an item; without `copy` the truth may be the frame's own."""
        assert frame.truth is not None
        truth = np.asarray(frame.truth.mean_electrons)
        with np.errstate(over="ignore"):
            pair = Pair(raw=frame.data.astype(self.dtype), truth=truth.astype(self.dtype, copy=copy))
        if self.dtype.itemsize < 4 and not np.isfinite(pair["truth"]).all():
            most = float(np.finfo(self.dtype).max)
            raise DomainError(
                f"PairDataset truth must be <= {most:g} e- to be {self.dtype}, got {truth.max():g}"
            )
        return pair

    def _items(self, journal: Journal) -> Iterator[Item]:
        """Every item as the writer wants it; what is intact in the folder is not made again."""
        intact = intact_items(journal)
        _LOG.info("%s: %d of %d recorded files are intact", journal.path, len(intact), len(journal.entries))
        if hasattr(self.scenes, "recipe"):  # item i is known without its scene
            for number in range(len(self)):
                yield Item(number) if number in intact else self._item(number, self.scenes[number])
            return
        for number, scene in enumerate(self._each_scene()):
            content = digest(scene)
            known = journal.entries.get(number)
            if known is not None and known.scene != content:
                raise OutputExistsError(
                    f"{journal.folder} holds {known.file}, made from another scene; it was not overwritten"
                )
            yield Item(number) if number in intact else self._item(number, scene, content)

    def _item(self, number: int, scene: Scene, content: str | None = None) -> Item:
        frame = self._frame(number, scene)
        return Item(number, content, lambda: self._pair(frame, copy=False))

    def _continuing(self, folder: Path, prefix: str) -> PairDataset:
        """This data set with the seeds that were drawn for the folder, where none were given here."""
        record = read_record(folder, prefix)
        if record is None:
            return self
        continued = copied(self)
        if self.seed_drawn and record.recipe.get("seed_drawn"):
            continued.seed = record.recipe["seed"]
        if hasattr(self.scenes, "continuing"):
            continued.scenes = self.scenes.continuing(record.recipe.get("scenes"))
        return continued

    def _recipe(self, *, compress: bool) -> dict[str, Any]:
        """Everything the bytes of the files depend on, but for the scenes where they do not say."""
        camera, scenes = self.camera, self.scenes
        temperature = camera.default_temperature_c if self.temperature is None else self.temperature
        return {
            "camera": camera.name,
            "camera_digest": camera.config.digest,
            "precision": str(camera.precision),
            "exposure_s": float(self.exposure),
            "temperature_c": temperature,
            "dtype": self.dtype.str,
            "seed": self.seed if isinstance(self.seed, int) else str(self.seed),
            "seed_drawn": self.seed_drawn,
            "stream_version": STREAM_VERSION,
            "compress": compress,
            "scenes": scenes.recipe() if hasattr(scenes, "recipe") else "one digest per file",
        }


def exact_dtype(dtype: DTypeLike, bit_depth: int) -> np.dtype[Any]:
    """The dtype, if it is floating and holds every ADU of `bit_depth` bits exactly."""
    checked = np.dtype(dtype)
    require(checked.kind == "f", "PairDataset", "dtype", "a floating type", checked.name)
    bits = np.finfo(checked).nmant + 1
    rule = f"exact for the camera's {bit_depth} bit ADU ({checked.name} is up to {bits} bits)"
    require(bits >= bit_depth, "PairDataset", "dtype", rule, checked.name)
    return checked
