"""`sarcodec decompress IN.sarc OUT.tif`: a scene, or a window or band of it, back into a GeoTIFF."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from sarcodec.cli.options import add_overwrite, add_saying, add_verb, add_working, band_list
from sarcodec.cli.progress import progress
from sarcodec.errors import InvalidArgument

if TYPE_CHECKING:
    from sarcodec.format.tiling import Window

EXAMPLES = (
    "sarcodec decompress scene.sarc back.tif",
    "sarcodec decompress scene.sarc part.tif --window 100 200 512 300 --indexes 1",
    "sarcodec decompress scene.sarc - > back.tif",
)


def add(verbs: argparse._SubParsersAction[Any]) -> None:
    """Declare the verb."""
    parser = add_verb(
        verbs, "decompress", "make a GeoTIFF of a compressed file", run, EXAMPLES, usage="[OPTIONS] IN.sarc OUT.tif"
    )
    parser.add_argument("source", metavar="IN.sarc", help="the compressed file; '-': from standard input")
    parser.add_argument("target", metavar="OUT.tif", help="the GeoTIFF to write; '-': to standard output")
    parser.add_argument(
        "--window",
        nargs=4,
        type=int,
        metavar=("COL", "ROW", "WIDTH", "HEIGHT"),
        help="only these pixels; the first column and row are 0",
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
    add_overwrite(parser)
    add_working(parser)
    add_saying(parser)


def run(options: argparse.Namespace) -> int:
    """Decompress and say what came out."""
    import sarcodec
    from sarcodec.cli.brief import decompressed
    from sarcodec.cli.output import tell
    from sarcodec.storage import input_for
    from sarcodec.storage.forms import GEOTIFF

    window = _window(options.window) if options.window else None
    with (
        input_for(options.source, options.target, options.overwrite, GEOTIFF) as source,
        progress("decompress", options.progress, options.quiet) as watch,
    ):
        report = sarcodec.decompress(
            source,
            options.target,
            window=window,
            indexes=options.indexes,
            reconstruct=options.reconstruct,
            speckle=options.speckle,
            threads=options.threads,
            memory=options.memory,
            overwrite=options.overwrite,
            progress=watch,
        )
    tell(report, decompressed(report, options.source), options, to_stderr=options.target == "-")
    return 0


def _window(numbers: list[int]) -> Window:
    from sarcodec.format.tiling import Window

    col, row, width, height = numbers
    if min(col, row) < 0 or min(width, height) < 1:
        raise InvalidArgument(
            f"--window is {col} {row} {width} {height} (COL ROW WIDTH HEIGHT); the first column and row are 0, and width "
            "and height are at least 1"
        )
    return Window(row, col, height, width)
