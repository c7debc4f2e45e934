"""The table of a series: when each frame began, where the telescope pointed, and, as the truth, the photons of every source."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from getframes.io.atomic import check_target, replacing

if TYPE_CHECKING:
    from pathlib import Path

    from getframes.config.experiment import Experiment
    from getframes.frame import Frame


class SeriesTable:
    """A table that grows with the frames, and is written when there are all of them.

    Parameters
    ----------
    path : Path
        An ECSV file.
    overwrite : bool
        Replace it.

    Raises
    ------
    OutputError
        If it is there already, or its folder is not.
    """

    def __init__(self, path: Path, *, overwrite: bool) -> None:
        check_target(path, overwrite=overwrite)
        self.path, self.overwrite = path, overwrite
        self.rows: list[tuple[str, float, float, float]] = []

    def add(self, file: str, frame: Frame) -> None:
        """Note a frame that is in a file."""
        self.rows.append((file, frame.metadata["time_s"], *frame.metadata["pointing_offset_px"]))

    def write(self, experiment: Experiment, *, truth: bool) -> None:
        """Write the table; with a column of photons for each source of the scene where the truth is wanted.

        Raises
        ------
        OutputError
            If it cannot be written.
        """
        from astropy.table import Table

        files, times, x, y = zip(*self.rows, strict=True)
        units = {"time_s": "s", "offset_x_px": "pix", "offset_y_px": "pix"}
        columns: dict[str, Any] = {"file": files, "time_s": times, "offset_x_px": x, "offset_y_px": y}
        if truth:
            assert experiment.frame is not None and experiment.scene is not None
            scene = experiment.scene.build(experiment.camera.output_resolution)
            curves = scene.light_curves(np.array(times), experiment.frame.exposure_s)
            columns |= {f"{name}_photons": photons for name, photons in curves.items()}
            units |= {f"{name}_photons": "photon" for name in curves}
        with replacing(self.path, overwrite=self.overwrite) as unfinished:
            Table(columns, units=units).write(unfinished, format="ascii.ecsv")
