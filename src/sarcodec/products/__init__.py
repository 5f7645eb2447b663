"""Sentinel-1 products (SAFE): their files, manifest, measurements and look-up tables; taken apart, and put together again. Knows no codec."""

__all__ = [
    "acquisition",
    "archive",
    "calibration",
    "files",
    "layout",
    "light",
    "manifest",
    "output",
    "reading",
    "restoring",
    "updating",
]
