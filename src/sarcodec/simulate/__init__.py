"""Simulated Sentinel-1 scenes: speckle, land, and the product on disk. numpy only, but for `product`, which writes
files."""

__all__ = ["product", "scene", "speckle"]
