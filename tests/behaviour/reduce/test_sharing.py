"""`share`: arrays that many processes read and one has written."""

from __future__ import annotations

import gc
import multiprocessing
import os
import pickle
import re
import signal
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from astropy import units
from astropy.io import fits

import getframes
from getframes import Frame
from getframes.errors import DomainError, OutputError
from getframes.reduce import Flag, ReducedFrame, SharedArrays, share

SHAPE = (40, 56)
LIGHT = 1000  # bytes that a handle may have
PAGE = Path(__file__).parents[3] / "docs" / "how-to" / "ten-thousand-frames.md"


@pytest.fixture
def masters() -> dict[str, Any]:
    random = np.random.default_rng(1)
    bias = random.normal(100.0, 3.0, SHAPE)
    flat = Frame(random.normal(1.0, 0.01, SHAPE), {"frame_type": "master_flat", "HISTORY": "x" * 5000})
    return {"bias": bias, "dark": random.poisson(9.0, SHAPE).astype(np.uint16), "flat": flat}


def through_pickle(value: Any, protocol: int = pickle.HIGHEST_PROTOCOL) -> Any:
    return pickle.loads(pickle.dumps(value, protocol))


def in_another_process(work: Callable[..., Any], *arguments: Any) -> Any:
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        return pool.submit(work, *arguments).result()


def maps_of(path: Path) -> int:
    """How often this process has a file in its memory."""
    return Path("/proc/self/maps").read_text().count(str(path))


def looked_at(shared: SharedArrays, bias: Any, flat: Frame, part: Any) -> tuple[Any, ...]:
    """What another process sees of them."""
    again = through_pickle(shared)
    whole = np.asarray(shared["bias"])
    same = np.shares_memory(whole, bias) and np.shares_memory(whole, again["bias"])
    maps = maps_of(shared.path) if sys.platform == "linux" else 1
    return same, maps, float(bias.sum()), float(flat.data[0, 0]), float(part.sum()), bias.flags.writeable


@pytest.mark.parametrize("protocol", range(2, pickle.HIGHEST_PROTOCOL + 1))
def test_handles_are_light(masters: dict[str, Any], protocol: int, tmp_path: Path) -> None:
    folder = tmp_path / ("long_name_" * 20)
    folder.mkdir()
    with share(masters, folder) as shared:
        handles = [shared, *shared.values(), shared["bias"][3:9, ::-2], shared["bias"].T, shared["flat"].data]
        for handle in handles:
            assert len(pickle.dumps(handle, protocol)) < LIGHT
            again = through_pickle(handle, protocol)
            if isinstance(handle, np.ndarray):
                np.testing.assert_array_equal(again, handle)
                assert again.dtype == handle.dtype and np.shares_memory(again, handle)
        assert through_pickle(shared["flat"], protocol) == masters["flat"]


def test_a_task_with_all_masters_is_light(masters: dict[str, Any]) -> None:
    """Not 100 MB: the argument of a pool."""
    with share(masters) as shared:
        assert len(pickle.dumps(partial(looked_at, shared_data=shared))) < LIGHT


@pytest.mark.parametrize(
    "kind", [np.uint16, np.int32, np.float32, np.float64, np.bool_, ">f4", ">i2", np.complex64]
)
def test_arrays_are_as_given(kind: Any, tmp_path: Path) -> None:
    given = np.arange(24).reshape(4, 6).astype(kind)
    for array in (given, given[::2, ::-1], np.asfortranarray(given)):
        with share({"array": array}, tmp_path) as shared:
            np.testing.assert_array_equal(shared["array"], array)
            assert shared["array"].dtype == array.dtype.newbyteorder("=")


def test_works_wherever_an_array_does(masters: dict[str, Any]) -> None:
    bias, raw = masters["bias"], np.full(SHAPE, 500, np.uint16)
    with share(masters) as handles:
        shared = handles["bias"]
        assert isinstance(shared, np.ndarray) and (shared.shape, shared.ndim) == (SHAPE, 2)
        for computed, expected in (
            (raw - shared, raw - bias),
            (shared / 2, bias / 2),
            (-shared, -bias),
            (np.sqrt(shared), np.sqrt(bias)),
            (shared > 100, bias > 100),
            (np.median(shared, axis=0), np.median(bias, axis=0)),
            (np.where(shared > 100, shared, 0), np.where(bias > 100, bias, 0)),
        ):
            assert type(computed) is np.ndarray
            np.testing.assert_array_equal(computed, expected)
        assert np.stack([shared, shared]).shape == (2, *SHAPE)
        assert np.asarray(shared).base is not None and np.array(shared, np.float32).dtype == np.float32
        assert isinstance(shared.sum(), float) and shared[3, 4] == bias[3, 4]
        assert shared[shared > 100].size == (bias > 100).sum()


def test_our_own_functions_take_it(masters: dict[str, Any]) -> None:
    raw = np.full(SHAPE, 500, np.uint16)
    plain = getframes.calibrate(raw, bias=masters["bias"], flat=masters["flat"])
    with share(masters) as shared:
        calibrated = getframes.calibrate(raw, bias=shared["bias"], flat=shared["flat"])
        np.testing.assert_array_equal(calibrated.data, plain.data)
        combined = getframes.combine([shared["dark"], shared["dark"], shared["dark"]], method="median")
        np.testing.assert_array_equal(combined.data, masters["dark"])


def test_nobody_can_write(masters: dict[str, Any]) -> None:
    with share(masters) as shared:
        for array in (
            shared["bias"],
            shared["flat"].data,
            through_pickle(shared["bias"]),
            shared["bias"][1:],
        ):
            with pytest.raises(ValueError, match="read-only"):
                array[0, 0] = 1.0
        with pytest.raises(ValueError, match="WRITEABLE"):
            shared["bias"].flags.writeable = True


def test_copies_are_ordinary(masters: dict[str, Any]) -> None:
    with share(masters) as shared:
        copy = shared["bias"].copy()
        copy[0, 0] = -1.0
        assert shared["bias"][0, 0] != -1.0
        changed = through_pickle(replace(shared["flat"], metadata={"own": 1}))
        assert type(changed) is Frame and changed == replace(masters["flat"], metadata={"own": 1})
    assert type(through_pickle(copy)) is np.ndarray  # the file is gone


def test_what_is_shared_can_be_shared_again(masters: dict[str, Any]) -> None:
    with share(masters) as first, share(dict(first)) as second:
        first.close()
        assert second["flat"] == masters["flat"]
        assert len(pickle.dumps(second["flat"])) < LIGHT


def _seen(frame: ReducedFrame) -> tuple[Any, ...]:
    return type(frame.data).__name__, float(frame.uncertainty.sum()), int(frame.mask.sum()), frame.unit


def test_reduced_frames_come_with_their_planes() -> None:
    flags = np.zeros(SHAPE, np.uint16)
    flags[3, 4:9] = Flag.DEAD
    used = np.broadcast_to(np.int32(9), SHAPE)
    uncertainty = np.full(SHAPE, 0.25, np.float32)
    metadata = {"unit": "adu/s", "n_combined": 9, "sources": ["x" * 60] * 30}
    master = ReducedFrame(np.ones(SHAPE, np.float32), metadata, None, uncertainty, flags, used)
    with share({"dark": master}) as shared:
        dark = shared["dark"]
        assert isinstance(dark, ReducedFrame) and dark == master and through_pickle(dark) == master
        assert all(
            len(pickle.dumps(each)) < LIGHT for each in (dark, dark.uncertainty, dark.flags, dark.used)
        )
        assert np.shares_memory(through_pickle(dark).flags, dark.flags)
        assert in_another_process(_seen, dark) == ("SharedArray", 0.25 * flags.size, 5, "adu/s")
        assert getframes.calibrate(np.full(SHAPE, 7.0), bias=dark).data.max() == 6.0


def test_another_process_maps_the_file_once(masters: dict[str, Any]) -> None:
    """One copy: everything that arrives there looks at one map of one file."""
    with share(masters) as shared:
        arguments = (shared, shared["bias"], shared["flat"], shared["bias"][5:, 7])
        same, maps, total, first, part, writeable = in_another_process(looked_at, *arguments)
    assert same and maps == 1 and not writeable
    assert total == masters["bias"].sum() and first == masters["flat"].data[0, 0]
    assert part == masters["bias"][5:, 7].sum()


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_pages_are_shared() -> None:
    """The memory of one more process that has read 32 MB of masters is its own, not that of the masters."""
    with share({"bias": np.ones((2048, 2048))}) as shared:
        proportional, resident = in_another_process(_memory_of_map, shared)
        float(shared["bias"].sum())
        halved, _ = in_another_process(_memory_of_map, shared)
    assert resident > 30e6
    assert halved < 0.6 * resident and halved <= proportional


def _memory_of_map(shared: SharedArrays) -> tuple[int, int]:
    """Proportional set size and resident size of the map of a file [bytes]."""
    assert shared["bias"].sum() == 2048**2
    block = Path("/proc/self/smaps").read_text().split(str(shared.path))[1]
    pss, rss = (re.search(rf"^{key}:\s+(\d+) kB", block, re.MULTILINE) for key in ("Pss", "Rss"))
    assert pss and rss
    return int(pss[1]) * 1024, int(rss[1]) * 1024


def test_the_file_goes_with_the_block(masters: dict[str, Any], tmp_path: Path) -> None:
    with share(masters, tmp_path) as shared:
        bias = shared["bias"]
        assert list(tmp_path.iterdir()) == [shared.path]
        assert (shared.path.stat().st_mode & 0o777) == 0o600 or os.name == "nt"
    assert list(tmp_path.iterdir()) == []
    np.testing.assert_array_equal(bias, masters["bias"])  # what one has stays readable
    with pytest.raises(DomainError, match="must not be closed before they are sent"):
        pickle.dumps(bias)


def test_the_file_goes_with_the_last_array(masters: dict[str, Any], tmp_path: Path) -> None:
    bias = share(masters, tmp_path)["bias"]
    view = bias[2:]
    del bias
    gc.collect()
    np.testing.assert_array_equal(through_pickle(view), masters["bias"][2:])
    del view
    gc.collect()
    assert list(tmp_path.iterdir()) == []


def test_names_are_unique(tmp_path: Path) -> None:
    shares = [share({"a": np.full(3, i)}, tmp_path) for i in range(5)]
    assert len({each.path for each in shares}) == 5
    assert [each["a"][0] for each in shares] == list(range(5))


SCRIPT = """
import os, signal, sys
import numpy as np
from getframes.reduce import share
shared = share({"bias": np.ones((9, 9))}, sys.argv[1])
child = os.fork()
if child == 0:
    del shared
    sys.exit(0)
os.waitpid(child, 0)
assert shared.path.exists(), "a child that ended has removed the file of its parent"
print(shared.path, flush=True)
if sys.argv[2] == "killed":
    os.kill(os.getpid(), signal.SIGKILL)
if sys.argv[2] == "error":
    raise RuntimeError
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.parametrize("end", ["well", "error", "killed"])
def test_the_file_goes_with_the_process(end: str, tmp_path: Path) -> None:
    done = subprocess.run([sys.executable, "-c", SCRIPT, str(tmp_path), end], capture_output=True, text=True)
    assert done.returncode == {"well": 0, "error": 1, "killed": -signal.SIGKILL}[end], done.stderr
    left = list(tmp_path.iterdir())
    assert left == ([Path(done.stdout.strip())] if end == "killed" else [])
    mine = share({"a": np.ones(3)}, tmp_path)
    assert list(tmp_path.iterdir()) == [mine.path]  # what was left is removed, what is in use is not
    other = share({"a": np.ones(3)}, tmp_path)
    assert {mine.path, other.path} == set(tmp_path.iterdir())


def _use(array: Any) -> float:
    return float((array + 1).sum())


def _measure(array: Any) -> Any:
    return array.shape


def test_arrays_that_are_gone_are_an_error_in_the_task(tmp_path: Path) -> None:
    """Not the end of the worker, for which a pool would wait without end."""
    with share({"bias": np.ones((9, 9))}, tmp_path) as shared:
        sent = [pickle.dumps(handle) for handle in (shared, shared["bias"], shared["bias"][1:])]
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        for work in (_use, _measure):
            for each in sent:
                with pytest.raises(DomainError, match="must be there as long as they are used"):
                    pool.apply(_unpickled, (work, each))


def _unpickled(work: Callable[[Any], Any], sent: bytes) -> Any:
    return work(pickle.loads(sent))


@pytest.mark.parametrize(
    "value",
    [
        np.ma.masked_array(np.ones(3)),
        np.ones(3) * units.adu,
        np.array(["text"]),
        np.array([object()]),
        np.ones(0),
        "bias.fits",
        None,
    ],
)
def test_other_things_are_refused(value: Any, tmp_path: Path) -> None:
    with pytest.raises(DomainError, match=r"share\.arrays\['bias'\] must be a Frame or an array"):
        share({"bias": value}, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_nothing_to_share_is_an_error() -> None:
    with pytest.raises(DomainError, match="at least one array"):
        share({})


def test_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match=r"cannot share arrays in .*nowhere"):
        share({"a": np.ones(3)}, tmp_path / "nowhere")


FULL = """
import resource, signal, sys
import numpy as np
from getframes.errors import OutputError
from getframes.reduce import share
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
try:
    share({"a": np.ones((200, 200))}, sys.argv[1])
except OutputError as error:
    print(error)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="needs limits of the size of files")
def test_a_full_disk_leaves_nothing(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", FULL, str(tmp_path)], capture_output=True, text=True, check=True
    )
    assert "cannot share arrays in" in done.stdout and "File too large" in done.stdout
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_the_script_of_the_how_to(method: str, masters: dict[str, Any], tmp_path: Path) -> None:
    if method not in multiprocessing.get_all_start_methods():
        pytest.skip(f"no {method} here")
    block = re.search(r"^```py\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)
    assert block
    script = tmp_path / "reduce_folder.py"
    script.write_text(block[1], encoding="utf-8")
    arrays = {name: np.asarray(masters[name].data if name == "flat" else masters[name]) for name in masters}
    for name, array in arrays.items():
        fits.writeto(tmp_path / f"master_{name}.fits", array)
    raws = [np.full(SHAPE, 500 + 10 * number, np.int16) for number in range(7)]
    for number, raw in enumerate(raws):
        fits.writeto(tmp_path / f"science_{number}.fits", raw)
    done = subprocess.run(
        [sys.executable, str(script), str(tmp_path), method], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert "7/7" in done.stderr
    for number, raw in enumerate(raws):
        expected = (raw - arrays["bias"] - arrays["dark"]) / arrays["flat"]
        np.testing.assert_array_equal(np.load(tmp_path / f"science_{number}.npy"), expected)
        assert f"science_{number}.fits {float(np.median(expected))}" in done.stdout
