"""rasterio opens compressed files: sarcodec.rasterio.open("scene.sarc"), or rasterio.open("scene.sarc", opener=sarcodec.rasterio.Opener())."""

from sarcodec.doors.opener import Opener, open

__all__ = ["Opener", "open"]
