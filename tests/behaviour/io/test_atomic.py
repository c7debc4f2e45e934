"""Atomic files: complete or not at all, whatever goes wrong."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
import time

import pytest

from getframes.errors import GetframesError, OutputError, OutputExistsError
from getframes.io.atomic import UNFINISHED, make_folder, replacing


def names(folder):
    return sorted(entry.name for entry in folder.iterdir())


@pytest.mark.parametrize("durable", [True, False])
def test_the_file_appears_when_the_block_ends(tmp_path, durable):
    with replacing(tmp_path / "a.txt", durable=durable) as unfinished:
        assert unfinished.parent == tmp_path
        assert unfinished.name.endswith(UNFINISHED)
        unfinished.write_text("new")
        assert not (tmp_path / "a.txt").exists()
    assert names(tmp_path) == ["a.txt"]
    assert (tmp_path / "a.txt").read_text() == "new"


@pytest.mark.parametrize("failure", [KeyboardInterrupt, RuntimeError, SystemExit])
def test_any_failure_leaves_what_was_there(tmp_path, failure):
    (tmp_path / "a.txt").write_text("old")
    with pytest.raises(failure), replacing(tmp_path / "a.txt") as unfinished:
        unfinished.write_text("half")
        raise failure
    assert names(tmp_path) == ["a.txt"]
    assert (tmp_path / "a.txt").read_text() == "old"


@pytest.mark.parametrize(
    ("number", "message"),
    [
        (errno.ENOSPC, "no space left on the disk"),
        (errno.EDQUOT, "disk quota"),
        (errno.EROFS, "is not writable"),
        (errno.EIO, os.strerror(errno.EIO)),
    ],
)
def test_errors_of_the_system_name_file_and_reason(tmp_path, number, message):
    with pytest.raises(OutputError, match=message) as caught, replacing(tmp_path / "a.txt") as unfinished:
        unfinished.write_text("half")
        raise OSError(number, os.strerror(number))
    assert str(tmp_path / "a.txt") in str(caught.value)
    assert caught.value.errno == number
    assert isinstance(caught.value, GetframesError)
    assert names(tmp_path) == []


def test_the_first_of_two_errors_is_the_reason(tmp_path):
    with pytest.raises(OutputError, match="no space left") as caught, replacing(tmp_path / "a.txt"):
        try:
            raise OSError(errno.ENOSPC, "full")
        except OSError:
            raise OSError("a library's own words")  # noqa: B904
    assert caught.value.errno == errno.ENOSPC


def test_an_existing_file_is_kept(tmp_path):
    (tmp_path / "a.txt").write_text("old")
    with (
        pytest.raises(OutputExistsError, match="exists already"),
        replacing(tmp_path / "a.txt", overwrite=False),
    ):
        raise AssertionError("the block must not run")
    with pytest.raises(FileExistsError), replacing(tmp_path / "b.txt", overwrite=False) as unfinished:
        unfinished.write_text("late")
        (tmp_path / "b.txt").write_text("first")
    assert (tmp_path / "b.txt").read_text() == "first"
    assert names(tmp_path) == ["a.txt", "b.txt"]


def test_a_file_that_was_never_written_is_an_error(tmp_path):
    with pytest.raises(OutputError, match=r"a\.txt"), replacing(tmp_path / "a.txt"):
        pass
    assert names(tmp_path) == []


def test_targets_that_are_no_files(tmp_path):
    (tmp_path / "file").write_text("")
    for path, message in [
        (tmp_path, "it is a folder"),
        (tmp_path / "none" / "a.txt", "does not exist"),
        (tmp_path / "file" / "a.txt", "does not exist"),
    ]:
        with pytest.raises(OutputError, match=message), replacing(path):
            pass
    if os.name == "posix":
        with pytest.raises(OutputError, match="not a regular file"), replacing(os.devnull):
            pass


@pytest.mark.skipif(sys.platform != "linux", reason="needs /proc, where nobody can write")
def test_a_folder_where_nobody_can_write():
    with (
        pytest.raises(OutputError, match=r"/proc/getframes\.txt"),
        replacing("/proc/getframes.txt") as unfinished,
    ):
        unfinished.write_text("x")


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="the superuser may write anywhere")
def test_an_unwritable_folder(tmp_path):
    tmp_path.chmod(0o500)
    try:
        with pytest.raises(OutputError, match="is not writable"), replacing(tmp_path / "a.txt") as unfinished:
            unfinished.write_text("x")
    finally:
        tmp_path.chmod(0o700)


@pytest.mark.skipif(os.name != "posix", reason="symbolic links")
def test_a_symbolic_link_is_followed(tmp_path):
    (tmp_path / "real.txt").write_text("old")
    (tmp_path / "link.txt").symlink_to("real.txt")
    with replacing(tmp_path / "link.txt") as unfinished:
        unfinished.write_text("new")
    assert (tmp_path / "link.txt").is_symlink()
    assert (tmp_path / "real.txt").read_text() == "new"


@pytest.mark.skipif(os.name != "posix", reason="SIGKILL")
def test_a_killed_process_leaves_no_torn_file(tmp_path):
    script = (
        "import sys; from getframes.io.atomic import replacing\n"
        "with replacing(sys.argv[1]) as unfinished, unfinished.open('wb') as file:\n"
        "    while True: file.write(b'x' * 4096)\n"
    )
    process = subprocess.Popen([sys.executable, "-c", script, str(tmp_path / "a.bin")])
    deadline = time.monotonic() + 20
    while not names(tmp_path) and time.monotonic() < deadline:
        time.sleep(0.005)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert not (tmp_path / "a.bin").exists()
    assert [name.endswith(UNFINISHED) for name in names(tmp_path)] == [True]


@pytest.mark.skipif(os.name != "posix", reason="file size limits")
def test_a_disk_that_takes_no_more(tmp_path):
    script = (
        "import resource, sys, numpy\n"
        "from getframes.errors import OutputError\n"
        "from getframes.frame import Frame\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (20000, 20000))\n"
        "try: Frame(numpy.zeros((200, 200), 'uint32')).to_fits(sys.argv[1])\n"
        "except OutputError as error: sys.exit('cannot write' not in str(error))\n"
        "sys.exit(2)\n"
    )
    assert (
        subprocess.run([sys.executable, "-c", script, str(tmp_path / "a.fits")], check=False).returncode == 0
    )
    assert names(tmp_path) == []


def test_folders_are_made(tmp_path):
    assert make_folder(tmp_path / "a" / "b").is_dir()
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="file: it is a file and no folder"):
        make_folder(tmp_path / "file")
    with pytest.raises(OutputError, match="below"):
        make_folder(tmp_path / "file" / "below")
