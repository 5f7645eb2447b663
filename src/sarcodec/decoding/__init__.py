"""A file to pixels, tile by tile: halos, caches, workers. NumPy and the compiled kernels alone; knows no raster and no encoder."""
