"""`sarcodec decompress IN.sarc OUT.tif`: a scene, or a window or band of it, back into a GeoTIFF."""

from __future__ import annotations

import argparse

from sarcodec.commands.options import add_effort, add_overwrite, add_verb, positive
from sarcodec.commands.progress import progress


def add(verbs: argparse._SubParsersAction) -> None:
    """Declare the verb."""
    parser = add_verb(verbs, "decompress", "make a GeoTIFF of a compressed file", run)
    parser.add_argument("source", metavar="IN.sarc", help="the compressed file")
    parser.add_argument("target", metavar="OUT.tif", help="the GeoTIFF to write")
    parser.add_argument(
        "--window",
        nargs=4,
        type=int,
        metavar=("COL", "ROW", "WIDTH", "HEIGHT"),
        help="only these pixels; the first column and row are 0",
    )
    parser.add_argument("--band", type=positive, metavar="N", help="only this band; the first is 1")
    parser.add_argument(
        "--reconstruct",
        choices=("power", "log"),
        default="power",
        help="power: pixels of unbiased power; log: the least squared error in dB (default: power)",
    )
    parser.add_argument(
        "--speckle",
        choices=("keep", "restore"),
        default="keep",
        help="restore: add speckle like what was lost, made up, flagged in the tags (default: keep)",
    )
    add_overwrite(parser)
    add_effort(parser)


def run(options: argparse.Namespace) -> int:
    """Decompress; silent when all is well."""
    import sarcodec
    from sarcodec.raster.tiling import Window

    window = None
    if options.window:
        col, row, width, height = options.window
        window = Window(row, col, height, width)
    with progress("decompress", options.progress) as watch:
        sarcodec.decompress(
            options.source,
            options.target,
            window=window,
            band=None if options.band is None else options.band - 1,
            reconstruct=options.reconstruct,
            speckle=options.speckle,
            threads=options.threads,
            overwrite=options.overwrite,
            progress=watch,
        )
    return 0
