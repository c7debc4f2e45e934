"""A folder of raw frames, from a settings file to calibrated frames: what `getframes reduce` runs.

::

    settings = read_pipeline("night.toml")
    plan = Plan.of(settings)
    print(plan)
    report = reduce_folder(settings)
"""

from __future__ import annotations

from getframes.config.pipeline import PipelineSettings, read_pipeline
from getframes.pipeline.plan import MasterPlan, Plan
from getframes.pipeline.run import reduce_folder

__all__ = ["MasterPlan", "PipelineSettings", "Plan", "read_pipeline", "reduce_folder"]
