"""Ctrl-C: put off where it must not strike, and never lost."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from getframes import GaussianPSF
from getframes.io.interrupts import steadily, thread_pool, uninterrupted

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="signals")


def test_it_comes_at_the_end_of_the_block() -> None:
    done = []
    with pytest.raises(KeyboardInterrupt), uninterrupted():
        signal.raise_signal(signal.SIGINT)
        done.append("the rest of the block")
    assert done
    with pytest.raises(KeyboardInterrupt):  # as before
        signal.raise_signal(signal.SIGINT)


def test_it_comes_before_an_error_of_the_block() -> None:
    with pytest.raises(KeyboardInterrupt) as caught, uninterrupted():
        signal.raise_signal(signal.SIGINT)
        raise ValueError("an error")
    assert isinstance(caught.value.__context__, ValueError)
    with pytest.raises(ValueError, match="an error"), uninterrupted():
        raise ValueError("an error")


def test_blocks_inside_blocks_wait_for_the_outermost() -> None:
    done = []
    with pytest.raises(KeyboardInterrupt), uninterrupted():
        with uninterrupted():
            signal.raise_signal(signal.SIGINT)
        done.append("still inside")
    assert done


def test_who_ignores_it_goes_on_ignoring_it() -> None:
    usual = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with uninterrupted():
            signal.raise_signal(signal.SIGINT)
        assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, usual)


def test_other_threads_have_nothing_to_put_off() -> None:
    done = []

    def work() -> None:
        with uninterrupted():
            done.append(signal.getsignal(signal.SIGINT))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert done == [signal.getsignal(signal.SIGINT)]


def test_items_are_whole_and_it_strikes_between_them() -> None:
    def items() -> Iterator[int]:
        for number in range(5):
            if number == 2:
                signal.raise_signal(signal.SIGINT)
            yield number

    taken = []
    with pytest.raises(KeyboardInterrupt):
        taken.extend(steadily(items()))
    got = steadily(iter("abc"))
    assert (next(got), list(got)) == ("a", ["b", "c"])


def test_a_pool_leaves_undone_what_has_not_begun() -> None:
    begun, gate = [], threading.Event()
    with pytest.raises(ValueError, match="enough"), thread_pool(1) as pool:
        for number in range(50):
            pool.submit(lambda number=number: (begun.append(number), gate.wait(10)))
        gate.set()
        raise ValueError("enough")
    assert len(begun) < 50


STRIKE = """
import faulthandler, signal, sys, threading
import numpy as np
from getframes.dataset.manifest import Journal
from getframes.dataset.writer import Item, write_items

faulthandler.dump_traceback_later(60, exit=True)
enter, calls, main = threading.Condition.__enter__, 0, threading.get_ident()


def struck(condition):
    # The moment between taking a lock and knowing that it has to be given back.
    global calls
    entered = enter(condition)
    if threading.get_ident() == main:
        calls += 1
        if calls == moment:
            signal.raise_signal(signal.SIGINT)
    return entered


threading.Condition.__enter__ = struck
interrupted = 0
for moment in range(1, 61):
    calls = 0
    with Journal(__import__("pathlib").Path(sys.argv[1]), f"p{moment}", {}) as journal:
        items = (Item(n, None, lambda: {"raw": np.zeros(4)}) for n in range(20))
        try:
            write_items(journal, items, compress=False)
        except KeyboardInterrupt:
            interrupted += 1
assert threading.active_count() == 1
print(interrupted)
"""


def test_writing_ends_whenever_ctrl_c_comes(tmp_path: Path) -> None:
    """Also when it comes while the pool of writing threads has just taken one of its locks: this hung."""
    script = [sys.executable, "-c", STRIKE, str(tmp_path)]
    done = subprocess.run(script, capture_output=True, text=True, timeout=120)
    assert (done.returncode, done.stderr) == (0, "")
    assert int(done.stdout) > 30


@pytest.mark.parametrize("precision", ["float32", "float64"])
def test_native_calls_make_no_words_of_types(precision: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """What tells types apart must not do so by failing: the words of such an error are made in Python, where a Ctrl-C was lost."""
    profile = GaussianPSF(2.0)._profile(1.0)
    image = np.zeros((16, 20), precision)
    x, y, flux = np.array([8.0]), np.array([9.0]), np.array([100.0])
    told: list[object] = []
    monkeypatch.setattr("numpy._core._dtype.__str__", lambda dtype: str(told.append(dtype)))
    profile.deposit(image, x, y, flux)
    assert told == []
    assert abs(image.sum() - 100.0) < 1e-3
