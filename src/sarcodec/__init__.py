"""sarcodec: learned compression for synthetic aperture radar images. The public verbs.

    sarcodec.compress("in.tif", "out.sarc", quality=60)
    sarcodec.decompress("out.sarc", "back.tif")
    with sarcodec.open("out.sarc") as scene: scene.read(sarcodec.Window(0, 0, 512, 512))

They are loaded on first use (PEP 562): `python -m sarcodec` comes through here before it has told numpy's libraries how many
threads they may start, and help should not wait for a runtime of networks.
"""

from __future__ import annotations

import importlib
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sarcodec.codec.compression import CompressReport, compress
    from sarcodec.codec.decompression import DecompressReport, FileInfo, decompress, info
    from sarcodec.codec.opened import CompressedScene
    from sarcodec.codec.opened import open_compressed as open
    from sarcodec.codec.verification import VerifyReport, verify
    from sarcodec.raster.tiling import Window

_HOMES = {
    "CompressReport": "sarcodec.codec.compression",
    "CompressedScene": "sarcodec.codec.opened",
    "DecompressReport": "sarcodec.codec.decompression",
    "FileInfo": "sarcodec.codec.decompression",
    "VerifyReport": "sarcodec.codec.verification",
    "Window": "sarcodec.raster.tiling",
    "compress": "sarcodec.codec.compression",
    "decompress": "sarcodec.codec.decompression",
    "info": "sarcodec.codec.decompression",
    "open": "sarcodec.codec.opened",
    "verify": "sarcodec.codec.verification",
}
__all__ = [
    "CompressReport",
    "CompressedScene",
    "DecompressReport",
    "FileInfo",
    "VerifyReport",
    "Window",
    "compress",
    "decompress",
    "info",
    "open",
    "verify",
]

try:
    __version__ = version("sarcodec")
except PackageNotFoundError:  # run from a checkout that was never installed
    __version__ = "0.1.0"


def __getattr__(name: str):
    if name not in _HOMES:
        raise AttributeError(f"module 'sarcodec' has no attribute {name!r}")
    found = getattr(importlib.import_module(_HOMES[name]), "open_compressed" if name == "open" else name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
