"""The tags of a GeoTIFF without its pixels: what GDAL would write of a scene, for who lays out the pixels in another way.

In: a SceneInfo; out: the tags of the first directory, little-endian and without places of pixels, and the side file .aux.xml where the
scene says what a GeoTIFF cannot hold. Writes a file without pixels in a temporary folder, and reads it again.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from sarcodec.format.scene import SceneInfo
from sarcodec.raster.comparing import Difference, differences, merged
from sarcodec.raster.description import read_info
from sarcodec.raster.quiet import environment, open_reader, open_writer
from sarcodec.raster.sidecar import compose
from sarcodec.raster.tiff_tags import Tag, read_directory
from sarcodec.raster.writing import creation_options, finish_tags, write_info

BLOCK_PX = 512
TILE_OFFSETS, TILE_BYTE_COUNTS = 324, 325
_OF_COMPRESSION = ("compress", "zlevel", "predictor", "num_threads", "nbits", "tiled", "blockxsize", "blockysize")
_SAID = ".aux.xml"


@dataclass(frozen=True)
class Skeleton:
    """tags: in order of their codes, without TILE_OFFSETS and TILE_BYTE_COUNTS, of an uncompressed BigTIFF in planes of tiles of
    BLOCK_PX; side_file: the bytes of .aux.xml, or None where the tags say all."""

    tags: tuple[Tag, ...]
    side_file: bytes | None


def skeleton(info: SceneInfo) -> Skeleton:
    """What `SceneWriter` would write of `info`, masks aside."""
    with empty_geotiff(info) as (path, side_file):
        tags = tuple(t for t in read_directory(path) if t.code not in (TILE_OFFSETS, TILE_BYTE_COUNTS))
    return Skeleton(tags, side_file)


@contextmanager
def empty_geotiff(info: SceneInfo) -> Iterator[tuple[Path, bytes | None]]:
    """A GeoTIFF without pixels that says what `SceneWriter` would write of `info`, masks aside, for the time of the `with`; and the bytes of
    its side file, which lies beside it, or None where it has none."""
    plain = replace(info, mask=None, masked_bands=())
    with tempfile.TemporaryDirectory(prefix="sarcodec-") as folder:
        path = Path(folder) / "part.tif"
        _write(path, plain)
        yield path, _tell_the_rest(path, plain)


def _write(path: Path, info: SceneInfo) -> None:
    options = {key: value for key, value in creation_options(info, 1).items() if key not in _OF_COMPRESSION}
    options |= {"tiled": True, "blockxsize": BLOCK_PX, "blockysize": BLOCK_PX, "bigtiff": "YES", "endianness": "LITTLE"}
    with environment(GDAL_PAM_ENABLED=False, GTIFF_POINT_GEO_IGNORE=bool(info.gcps) and info.transform is None):
        with open_writer(path, **options, sparse_ok=True) as dataset:
            write_info(dataset, info)
        finish_tags(path, info)


def _tell_the_rest(path: Path, info: SceneInfo) -> bytes | None:
    """As `SceneWriter` does it: what is said of control points there may hide what the TIFF says, so look again."""
    beside = path.with_name(path.name + _SAID)
    told: tuple[Difference, ...] = ()
    words = None
    while merged((*told, *(missing := _missing(path, info)))) != told:
        told = merged((*told, *missing))
        words = compose(info, told)
        if words:
            beside.write_bytes(words)
    return words


def _missing(path: Path, info: SceneInfo) -> tuple[Difference, ...]:
    with open_reader(path) as dataset:
        return tuple(differences(info, read_info(dataset)))
