"""The progress bar: silent off a terminal, and never in the way."""

from __future__ import annotations

import io
import subprocess
import sys
import time

from getframes.io.progress import counting, progress


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_silent_off_a_terminal(monkeypatch):
    quiet = io.StringIO()
    monkeypatch.setattr(sys, "stderr", quiet)
    assert list(progress(range(3), 3, "frames")) == [0, 1, 2]
    assert quiet.getvalue() == ""


def test_short_loops_show_nothing_on_a_terminal(monkeypatch):
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    assert list(progress(iter("abc"), None, "frames")) == ["a", "b", "c"]
    assert "frames" not in terminal.getvalue()


def test_long_loops_show_rate_and_time_left(monkeypatch):
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    for _ in progress(range(13), 13, "frames"):
        time.sleep(0.1)
    assert "frames" in terminal.getvalue()
    assert "frame/s" in terminal.getvalue()


def test_work_that_counts_itself(monkeypatch):
    for screen, shown in ((Terminal(), True), (io.StringIO(), False)):
        monkeypatch.setattr(sys, "stderr", screen)
        with counting(40, "draws", "draw") as done:
            for number in range(0, 40, 3):
                done(number)
                time.sleep(0.09)
        assert ("draws" in screen.getvalue() and "40/40" in screen.getvalue()) == shown


def test_tqdm_is_not_imported_unless_it_is_needed():
    script = (
        "import sys, getframes.frame, getframes.io.fits, getframes.io.progress as p\n"
        "list(p.progress([1], 1, 'x'))\n"
        "sys.exit(bool({'tqdm', 'astropy'} & set(sys.modules)))"
    )
    assert (
        subprocess.run([sys.executable, "-c", script], stderr=subprocess.DEVNULL, check=False).returncode == 0
    )
