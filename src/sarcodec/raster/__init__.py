"""Geography and pixels: windows and tiles, scene descriptions, GeoTIFF files, radiometry.

Knows no bytes of compressed files and no networks.
"""

__all__ = ["blocks", "cog", "description", "geotiff", "meaning", "skeleton", "tiff_tags", "vrt"]
