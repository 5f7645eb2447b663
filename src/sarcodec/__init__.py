"""sarcodec: small files of synthetic aperture radar images, and back. The public verbs.

    sarcodec.compress("in.tif", "out.sarc", quality=60)              a GeoTIFF into a file
    sarcodec.decompress("out.sarc", "back.tif")                      and back
    with sarcodec.open("out.sarc") as scene: scene.read(1)           a file, as rasterio opens one
    data = sarcodec.encode(array); array = sarcodec.decode(data)     an array into bytes, and back
    sarcodec.info("out.sarc"); sarcodec.verify("out.sarc")           what a file says, and whether it is sound
    sarcodec.archive("scenes", "small")                              all scenes of a folder, each judged

They are loaded on first use (PEP 562): `python -m sarcodec` comes through here before it has told numpy's libraries how many
threads they may start, help should not wait for a codec, and reading should not wait for a raster library. `import sarcodec` alone loads no more than the errors.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

from sarcodec import errors

if TYPE_CHECKING:
    from sarcodec.api.arrays import decode, encode
    from sarcodec.api.compression import CompressReport, compress
    from sarcodec.api.decompression import DecompressReport, decompress
    from sarcodec.api.information import FileInfo, info
    from sarcodec.api.scene import Scene, open
    from sarcodec.api.verification import VerifyReport, verify
    from sarcodec.archiving.estimating import estimate_archive
    from sarcodec.archiving.report import ArchiveReport
    from sarcodec.archiving.restoring import restore_archive
    from sarcodec.archiving.reviewing import verify_archive
    from sarcodec.archiving.verb import archive
    from sarcodec.doors.to_sarc import to_sarc
    from sarcodec.format.tiling import Window as Window

_HOMES = {
    "ArchiveReport": "sarcodec.archiving.report",
    "CompressReport": "sarcodec.api.compression",
    "DecompressReport": "sarcodec.api.decompression",
    "FileInfo": "sarcodec.api.information",
    "Scene": "sarcodec.api.scene",
    "VerifyReport": "sarcodec.api.verification",
    "Window": "sarcodec.format.tiling",  # (row, col, rows, cols), from before windows were rasterio's: taken, and not advertised
    "archive": "sarcodec.archiving.verb",
    "compress": "sarcodec.api.compression",
    "decode": "sarcodec.api.arrays",
    "decompress": "sarcodec.api.decompression",
    "encode": "sarcodec.api.arrays",
    "estimate_archive": "sarcodec.archiving.estimating",
    "info": "sarcodec.api.information",
    "open": "sarcodec.api.scene",
    "restore_archive": "sarcodec.archiving.restoring",
    "to_sarc": "sarcodec.doors.to_sarc",
    "verify": "sarcodec.api.verification",
    "verify_archive": "sarcodec.archiving.reviewing",
}
__all__ = [
    "ArchiveReport",
    "CompressReport",
    "DecompressReport",
    "FileInfo",
    "Scene",
    "VerifyReport",
    "archive",
    "compress",
    "decode",
    "decompress",
    "encode",
    "errors",
    "estimate_archive",
    "info",
    "open",
    "restore_archive",
    "to_sarc",
    "verify",
    "verify_archive",
]

if TYPE_CHECKING:
    __version__: str


def __getattr__(name: str) -> object:
    if name in _HOMES:
        found = getattr(importlib.import_module(_HOMES[name]), name)
    elif name == "__version__":
        found = importlib.import_module("sarcodec.version").installed_version()
    else:
        raise AttributeError(f"module 'sarcodec' has no attribute {name!r}")
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
