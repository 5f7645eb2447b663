"""`sarcodec decompress IN.sarc OUT.tif`: a scene, or a window or band of it, back into a GeoTIFF."""

from __future__ import annotations

import argparse
import os
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any

from sarcodec.cli.options import add_overwrite, add_saying, add_verb, add_working, band_list
from sarcodec.cli.progress import progress
from sarcodec.errors import InvalidArgument

if TYPE_CHECKING:
    from sarcodec.format.tiling import Window

EXAMPLES = (
    "sarcodec decompress scene.sarc back.tif",
    "sarcodec decompress scene.sarc part.tif --window 100 200 512 300 --indexes 1",
    "sarcodec decompress scene.sarc small.tif --reduce 8",
    "sarcodec decompress scene.sarc cog.tif --cog               # with overviews",
    "sarcodec decompress product.sarc folder                    # a product again",
    "sarcodec decompress scene.sarc - > back.tif",
)


def add(verbs: argparse._SubParsersAction[Any]) -> None:
    """Declare the verb."""
    parser = add_verb(
        verbs, "decompress", "make a GeoTIFF of a compressed file", run, EXAMPLES, usage="[OPTIONS] IN.sarc OUT.tif"
    )
    parser.add_argument("source", metavar="IN.sarc", help="the compressed file; '-': from standard input")
    parser.add_argument(
        "target",
        metavar="OUT.tif",
        help="the GeoTIFF to write; of a product also NAME.SAFE, NAME.zip, or a folder; '-': to standard output",
    )
    parser.add_argument(
        "--window",
        nargs=4,
        type=int,
        metavar=("COL", "ROW", "WIDTH", "HEIGHT"),
        help="only these pixels; the first column and row are 0",
    )
    parser.add_argument(
        "--reduce",
        type=int,
        choices=(8, 16, 32),
        metavar="N",
        help="8, 16 or 32: so many pixels become one along each side, of their mean power; fast where the model coded the band",
    )
    parser.add_argument(
        "--cog",
        action="store_true",
        help="write a cloud-optimised GeoTIFF, with overviews of mean power; of whole scenes",
    )
    parser.add_argument(
        "--indexes", type=band_list, metavar="N,...", help="only these bands, in this order; the first is 1"
    )
    parser.add_argument(
        "--reconstruct",
        choices=("power", "log"),
        default="power",
        help="power: pixels of unbiased power (default); log: the least squared error in dB",
    )
    parser.add_argument(
        "--speckle",
        choices=("keep", "restore"),
        default="keep",
        help="restore: add speckle like what was lost, made up, flagged in the tags; keep: add none (default)",
    )
    parser.add_argument("--attachments", metavar="FOLDER", help="also write the file's attachments into this folder")
    add_overwrite(parser)
    add_working(parser)
    add_saying(parser)


def run(options: argparse.Namespace) -> int:
    """Decompress and say what came out."""
    import sarcodec
    from sarcodec.cli.brief import decompressed
    from sarcodec.cli.output import tell

    window = _window(options.window) if options.window else None
    with (
        _input(options) as source,
        progress("decompress", options.progress, options.quiet) as watch,
    ):
        report = sarcodec.decompress(
            source,
            options.target,
            window=window,
            reduce=options.reduce,
            cog=options.cog,
            indexes=options.indexes,
            reconstruct=options.reconstruct,
            speckle=options.speckle,
            attachments=options.attachments,
            threads=options.threads,
            memory=options.memory,
            overwrite=options.overwrite,
            progress=watch,
        )
    tell(report, decompressed(report, options.source), options, to_stderr=options.target == "-")
    return 0


def _input(options: argparse.Namespace) -> AbstractContextManager[str | os.PathLike[str]]:
    """What is to be decompressed. Whether a product can be made is not known before it is read."""
    from sarcodec.products.output import is_product_name
    from sarcodec.storage import input_for, local_input
    from sarcodec.storage.forms import GEOTIFF

    if is_product_name(options.target) or os.path.isdir(options.target):
        return local_input(options.source)
    return input_for(options.source, options.target, options.overwrite, GEOTIFF)


def _window(numbers: list[int]) -> Window:
    from sarcodec.format.tiling import Window

    col, row, width, height = numbers
    if min(col, row) < 0 or min(width, height) < 1:
        raise InvalidArgument(
            f"--window is {col} {row} {width} {height} (COL ROW WIDTH HEIGHT); the first column and row are 0, and width "
            "and height are at least 1"
        )
    return Window(row, col, height, width)
