"""Doors: compressed files as other tools know images. A module a tool, loaded when that tool asks; each of them calls the public verbs, and knows no tile."""

__all__ = ["extras", "local", "opener", "server", "stac_item", "to_sarc", "xarray_backend", "xarray_writer"]
