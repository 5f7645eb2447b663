"""sarcodec: learned compression for synthetic aperture radar images. The public verbs.

    sarcodec.compress("in.tif", "out.sarc", quality=60)
    sarcodec.decompress("out.sarc", "back.tif")
    with sarcodec.open("out.sarc") as scene: scene.read(sarcodec.Window(0, 0, 512, 512))
"""
from importlib.metadata import PackageNotFoundError, version

from sarcodec.codec.compression import CompressReport, compress
from sarcodec.codec.decompression import CompressedScene, DecompressReport, FileInfo, decompress, info
from sarcodec.codec.decompression import open_compressed as open
from sarcodec.codec.verification import VerifyReport, verify
from sarcodec.raster.tiling import Window

try:
    __version__ = version("sarcodec")
except PackageNotFoundError:  # run from a checkout that was never installed
    __version__ = "0.1.0"

__all__ = ["CompressReport", "CompressedScene", "DecompressReport", "FileInfo", "VerifyReport", "Window", "compress", "decompress",
           "info", "open", "verify"]
