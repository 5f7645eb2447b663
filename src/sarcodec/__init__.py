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
    from sarcodec.api.compression import CompressReport, compress
    from sarcodec.api.decompression import DecompressReport, FileInfo, decompress, info
    from sarcodec.api.opened import CompressedScene
    from sarcodec.api.opened import open_compressed as open
    from sarcodec.api.verification import VerifyReport, verify
    from sarcodec.format.tiling import Window

_HOMES = {
    "CompressReport": "sarcodec.api.compression",
    "CompressedScene": "sarcodec.api.opened",
    "DecompressReport": "sarcodec.api.decompression",
    "FileInfo": "sarcodec.api.decompression",
    "VerifyReport": "sarcodec.api.verification",
    "Window": "sarcodec.format.tiling",
    "compress": "sarcodec.api.compression",
    "decompress": "sarcodec.api.decompression",
    "info": "sarcodec.api.decompression",
    "open": "sarcodec.api.opened",
    "verify": "sarcodec.api.verification",
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


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module 'sarcodec' has no attribute {name!r}")
    found = getattr(importlib.import_module(_HOMES[name]), "open_compressed" if name == "open" else name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
