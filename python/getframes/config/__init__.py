"""Cameras and experiments as checked values."""

from getframes.config.camera import CameraConfig
from getframes.config.reference import documented_keys, field_rows
from getframes.config.sensor import SensorType
from getframes.config.stages import missing_stages, require_stages

__all__ = ["CameraConfig", "SensorType", "documented_keys", "field_rows", "missing_stages", "require_stages"]
