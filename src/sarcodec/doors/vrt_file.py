"""A VRT over a compressed file: a small text that GDAL opens as the GeoTIFF of `sarcodec decompress`, with pixels by `sarcodec.vrt.pixels`.

In: the path or address of a compressed file; out: the text, or a file of it. Reads the head alone.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from sarcodec.api.asked import chosen_indexes
from sarcodec.api.decompression import tagged
from sarcodec.decoding.reconstruction import Reconstruction
from sarcodec.decoding.reduced_scene import REDUCTIONS
from sarcodec.decoding.scene import SceneDecoder
from sarcodec.doors.virtual_geotiff import LEAST_OVERVIEW_PX
from sarcodec.errors import InvalidArgument
from sarcodec.format.reader import FileReader
from sarcodec.format.scene import excerpt
from sarcodec.format.scene_reduced import reduced_info
from sarcodec.raster.vrt import Arguments, vrt
from sarcodec.storage.forms import VRT
from sarcodec.storage.names import STANDARD
from sarcodec.storage.objects import address_of
from sarcodec.storage.output import Output
from sarcodec.storage.refusals import is_utf8

if TYPE_CHECKING:
    from sarcodec.api.choices import Indexes, Reconstruct, Speckle

FUNCTION = "sarcodec.vrt.pixels"


def build(
    source: str | os.PathLike[str],
    *,
    indexes: Indexes | None = None,
    relative_to: str | os.PathLike[str] | None = None,
    reconstruct: Reconstruct = "power",
    speckle: Speckle = "keep",
    named: str | os.PathLike[str] | None = None,
) -> bytes:
    """The text of a VRT, in UTF-8.

    Args:
        source: path of the compressed file, or its address (https://, s3://, ...; extra `remote`). It stands in the VRT, as an absolute path:
            a pixel function is not told where its VRT lies.
        indexes: a band, from 1, or several in the order in which they are wanted; default all.
        relative_to: a folder from which the path counts instead. Who reads the VRT names that folder in the environment variable
            SARCODEC_VRT_ROOT, or is in it.
        reconstruct, speckle: as in sarcodec.open.
        named: the path at which the compressed file will be, where it is not there yet.

    Raises what sarcodec.open raises.
    """
    wanted, path = Reconstruction(reconstruct, speckle), _written(source if named is None else named, relative_to)
    with FileReader(source) as file:
        decoder = SceneDecoder(file, 0, wanted)
        digest, info = file.head_digest.hex(), tagged(decoder.info, decoder)
    bands = chosen_indexes(indexes, info.count)
    info = excerpt(info, decoder.grid.whole, bands)
    how = {"path": path, "digest": digest, "reconstruct": reconstruct, "speckle": speckle}

    def arguments(side: int) -> Arguments:
        def of(plane: int) -> dict[str, str]:
            mask = plane >= len(bands)
            band = bands[plane % len(bands)] + 1  # a mask of all bands is that of the first
            return {**how, "band": str(band), "reduce": str(side)} | ({"mask": "yes"} if mask else {})

        return of

    sides = [side for side in REDUCTIONS if max(info.rows, info.cols) >= side * LEAST_OVERVIEW_PX]
    return vrt(FUNCTION, info, arguments(1), [(reduced_info(info, side), arguments(side)) for side in sides])


def write(
    source: str | os.PathLike[str],
    target: str | os.PathLike[str] | None = None,
    *,
    indexes: Indexes | None = None,
    relative_to: str | os.PathLike[str] | None = None,
    reconstruct: Reconstruct = "power",
    speckle: Speckle = "keep",
    overwrite: bool = False,
) -> str:
    """Write the VRT as `build` makes it; returns its path.

    target: where; '-' for standard output; default `source` with .vrt behind it. Raises what `build` raises, OutputExists, and SarcodecError
    where the disk refuses.
    """
    name = os.fspath(source)
    if target is None:
        if address_of(name):
            raise InvalidArgument(f"{name} lies on a server, where no VRT can be written; name the VRT to write")
        target = name + ".vrt"
    inputs = () if address_of(name) else (source,)
    with Output(target, overwrite=overwrite, inputs=inputs, form=VRT) as output:
        output.write(build(source, indexes=indexes, relative_to=relative_to, reconstruct=reconstruct, speckle=speckle))
    return STANDARD if output.path is None else os.fspath(target)


def _written(source: str | os.PathLike[str], relative_to: str | os.PathLike[str] | None) -> str:
    """The path as the VRT names it. Raises InvalidArgument for one that XML cannot hold."""
    if not isinstance(source, (str, os.PathLike)):
        raise InvalidArgument(
            f"{type(source).__name__} has no path that a VRT could name; expected a path or an address"
        )
    name = os.fspath(source)
    path = name if address_of(name) else os.path.abspath(name)
    if relative_to is not None and not address_of(name):
        path = os.path.relpath(path, relative_to)
    if not is_utf8(path) or any(ord(letter) < 32 for letter in path):
        raise InvalidArgument(f"{path!r} cannot be named in a VRT, which is text in UTF-8; rename the file")
    return path
