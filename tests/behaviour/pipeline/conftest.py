"""Raw frames of two nights, two filters and a changing camera, as a camera program leaves them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from getframes import Camera, Frame

SHAPE = (24, 32)
FLAT_LEVEL_E = 20_000.0

Settings = Callable[..., Path]

LEAST = '[input]\nfolder = "raw"\n[output]\nfolder = "reduced"\n'


def add(frame: Frame, path: Path, kind: str, day: int, minute: int, filter_name: str = "") -> Path:
    """Write a raw frame, taken so many minutes after 22:00 UTC."""
    hour, rest = divmod(22 * 60 + minute, 60)
    day, hour = day + hour // 24, hour % 24
    frame.metadata.update(frame_type=kind, date_obs=f"2026-03-{day:02d}T{hour:02d}:{rest:02d}:00")
    if filter_name:
        frame.metadata["filter"] = filter_name
    path.parent.mkdir(parents=True, exist_ok=True)
    frame.to_fits(path)
    return path


@pytest.fixture(scope="session")
def nights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the folder ``raw``; science frames of V and R alternate."""
    folder = tmp_path_factory.mktemp("nights")
    camera = Camera.from_preset("generic_ccd", seed=1).with_config(resolution=SHAPE)
    for day in (1, 4):
        raw = folder / "raw" / f"night{day}"
        for n in range(3):
            add(camera.dark_frame(0.0), raw / f"zero_{n}.fits", "bias", day, n)
            add(camera.dark_frame(60.0), raw / f"dark_{n}.fits", "dark", day, 10 + n)
            for later, name in enumerate("VR"):
                flat = camera.expose(FLAT_LEVEL_E / 4.0, 4.0)
                add(flat, raw / f"flat_{name}_{n}.fits", "flat", day, 20 + 10 * later + n, name)
        for n in range(6):
            light = camera.expose(20.0, 60.0)
            add(light, raw / f"light_{n}.fits", "science", day, 90 + 20 * n, "VR"[n % 2])
    return folder


@pytest.fixture
def settings(tmp_path: Path, nights: Path) -> Settings:
    """Write a pipeline file beside a copy of the raw frames."""

    def write(tables: str = "", text: str = LEAST) -> Path:
        if not (tmp_path / "raw").exists():
            for path in sorted((nights / "raw").rglob("*.fits")):
                copy = tmp_path / path.relative_to(nights)
                copy.parent.mkdir(parents=True, exist_ok=True)
                copy.write_bytes(path.read_bytes())
        file = tmp_path / "night.toml"
        file.write_text(text + tables, encoding="utf-8")
        return file

    return write
