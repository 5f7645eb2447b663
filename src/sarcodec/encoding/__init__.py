"""Pixels to a file: analysis, search along the trellis, targets for rate, error and class. Reads through a port; knows no raster library."""

__all__ = [
    "array_source",
    "bounded",
    "job",
    "meanings",
    "pixel_source",
    "quantiser",
    "reaching",
    "sampling",
    "scene",
    "targets",
    "tile",
]
