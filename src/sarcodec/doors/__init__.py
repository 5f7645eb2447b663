"""Doors: compressed files as other tools know images. A module a tool, loaded when that tool asks; each of them calls the public verbs, and knows no tile."""

__all__ = [
    "extras",
    "geoparquet",
    "light_product",
    "local",
    "mounted",
    "numcodecs_codec",
    "opener",
    "server",
    "stac_item",
    "tiler",
    "to_sarc",
    "vrt_file",
    "vrt_pixels",
    "xarray_backend",
    "xarray_writer",
    "zarr_array",
    "zarr_codec",
]
