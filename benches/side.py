"""The sides of a comparison: an interpreter with a getframes each, and workers that answer its requests."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_WORKER = Path(__file__).with_name("worker.py")
_THREAD_VARIABLES = ("GETFRAMES_NUM_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


class SideError(RuntimeError):
    """A side could not do what it was asked."""


@dataclass(frozen=True)
class Side:
    """An interpreter that has a getframes.

    Attributes
    ----------
    python : str
        The interpreter.
    peer : bool
        Leave `PYTHONPATH` behind, so that it finds its own installation.
    threads : int
        Threads that getframes may use.
    cores : sequence of int
        Cores that its processes stay on.
    """

    python: str
    peer: bool = False
    threads: int = 1
    cores: Sequence[int] = (0,)

    def environment(self) -> dict[str, str]:
        """The environment of its processes."""
        changed = dict(os.environ, **dict.fromkeys(_THREAD_VARIABLES, str(self.threads)))
        if self.peer:
            changed.pop("PYTHONPATH", None)
        return changed

    @contextmanager
    def worker(self) -> Iterator[Worker]:
        """A process that answers requests, until the block ends."""
        process = subprocess.Popen(
            [self.python, str(_WORKER), "--cores", *map(str, self.cores)],
            env=self.environment(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        try:
            yield Worker(process, self.python)
        finally:
            process.communicate()

    def alone(self, do: str, case: str = "") -> dict[str, Any]:
        """The answer of a process of its own."""
        with self.worker() as worker:
            return worker.ask(do, case)

    def run(self, statement: str) -> dict[str, float]:
        """CPU and wall-clock time of an interpreter that runs one statement, its own start included [s].

        Raises
        ------
        SideError
            If the statement fails.
        """
        wall, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
        command = [self.python, "-c", statement]
        result = subprocess.run(command, env=self.environment(), stdout=subprocess.DEVNULL)
        after, wall = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter() - wall
        cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        if result.returncode:
            raise SideError(f"{self.python} ended with {result.returncode} at: {statement}")
        return {"cpu_s": cpu, "wall_s": wall}


@dataclass(frozen=True)
class Worker:
    """A process that answers requests."""

    process: subprocess.Popen[str]
    python: str

    def ask(self, do: str, case: str = "") -> dict[str, Any]:
        """The answer to one request.

        Raises
        ------
        SideError
            If the side reports an error or has gone.
        """
        stdin, stdout = self.process.stdin, self.process.stdout
        assert stdin is not None and stdout is not None
        try:
            stdin.write(json.dumps({"do": do, "case": case}) + "\n")
            stdin.flush()
            line = stdout.readline()
        except BrokenPipeError:
            line = ""
        if not line:
            raise SideError(f"{self.python} ended at {do} {case}".rstrip())
        answer: dict[str, Any] = json.loads(line)
        if "error" in answer:
            raise SideError(f"{do} {case}: {answer['error']}")
        return answer
