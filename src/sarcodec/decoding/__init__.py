"""A file to pixels, tile by tile: halos, caches, workers. NumPy and the compiled kernels alone; knows no raster and no encoder."""

__all__ = [
    "band_kinds",
    "borders",
    "bounded",
    "reconstruction",
    "reduced_scene",
    "scene",
    "tile",
    "tile_sizes",
    "workers",
]
