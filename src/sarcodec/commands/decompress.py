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
            threads=options.threads,
            overwrite=options.overwrite,
            progress=watch,
        )
    return 0
