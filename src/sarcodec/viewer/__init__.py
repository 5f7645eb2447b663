"""The viewer: one file, and the raster that it was made of, as a page in a browser on this machine. Levels come out of `api`, the page is its own."""

__all__ = ["server", "shown"]
