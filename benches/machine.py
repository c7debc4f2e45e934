"""The machine, in words that can be published."""

from __future__ import annotations

import os
import platform
from pathlib import Path
from typing import Any


def machine() -> dict[str, str]:
    """Processor, cores, memory, vector extensions and system of this machine."""
    described = {
        "processor": _processor_field("model name") or platform.processor() or platform.machine(),
        "cores": str(os.cpu_count()),
        "architecture": platform.machine(),
        "system": f"{platform.system()} {'.'.join(platform.release().split('.')[:2])}",
    }
    flags = set(_processor_field("flags").split())
    known = [name for name in ("sse4_2", "avx2", "fma", "avx512f", "avx512vl") if name in flags]
    if known:
        described["vectors"] = " ".join(known)
    model = [_processor_field(name) for name in ("cpu family", "model", "cpu MHz")]
    if all(model):
        described["processor"] += " (family {}, model {}, {} MHz)".format(*model)
    if hasattr(os, "sysconf") and "SC_PHYS_PAGES" in os.sysconf_names:
        memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
        described["memory"] = f"{memory / 2**30:.1f} GiB"
    return described


def measured_on(facts: dict[str, Any]) -> str:
    """When and where, the beginning of a sentence."""
    place = "Measured {} on {processor}, {cores} cores, {memory}, {system}"
    return place.format(facts["measured"], **facts["machine"])


def _processor_field(name: str) -> str:
    """A field of the first processor, where the system tells."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return ""
    fields = (line.partition(":") for line in lines)
    return next((value.strip() for key, _, value in fields if key.strip() == name), "")
