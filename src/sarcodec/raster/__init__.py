"""Geography and pixels: windows and tiles, scene descriptions, GeoTIFF files, radiometry.

Knows no bytes of compressed files and no networks.
"""

__all__ = [
    "blocks",
    "cog",
    "cog_writer",
    "description",
    "geotiff",
    "meaning",
    "scene_writer",
    "skeleton",
    "tiff_images",
    "tiff_layout",
    "tiff_tags",
    "vrt",
]
