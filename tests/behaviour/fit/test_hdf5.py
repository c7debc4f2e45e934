"""HDF5 files on a disk that is full: an error, no file, and a program that goes on."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from getframes.errors import OutputError
from getframes.fit.hdf5 import created, reading, writing

resource = pytest.importorskip("resource")
CAP = 60_000

FULL = f"""
import resource, sys
import numpy as np
from getframes.errors import OutputError
from getframes.fit.hdf5 import writing

resource.setrlimit(resource.RLIMIT_FSIZE, ({CAP}, {CAP}))
try:
    with writing(sys.argv[1], "something") as file:
        for number in range(30):
            file[f"group{{number}}/numbers"] = np.arange(1000.0)
            file[f"group{{number}}/numbers"].make_scale("x")
except OutputError as error:
    print(error)
"""


def test_a_full_disk_is_an_error_and_no_end_of_the_program(tmp_path: Path) -> None:
    """In a program of its own: the library ends the process where an error reaches it."""
    path = tmp_path / "file.h5"
    done = subprocess.run(
        [sys.executable, "-c", FULL, str(path)], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith(f"cannot write {path}: ")
    assert list(tmp_path.iterdir()) == []


def test_what_was_there_stays(tmp_path: Path) -> None:
    path = tmp_path / "file.h5"
    with writing(path, "something") as file:
        file["x"] = np.arange(3)
    before = path.read_bytes()
    with pytest.raises(ZeroDivisionError), writing(path, "something", overwrite=True) as file:
        file["x"] = 1 // 0
    with pytest.raises(OutputError, match="it exists already"), created(path):
        pass
    assert path.read_bytes() == before and len(list(tmp_path.iterdir())) == 1
    with reading(path, "something") as file:
        assert file["x"][()].tolist() == [0, 1, 2]
