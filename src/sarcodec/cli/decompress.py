"""`sarcodec decompress IN.sarc OUT.tif`: a scene, or a window or band of it, back into a GeoTIFF."""

from __future__ import annotations

import argparse

from sarcodec.cli.options import add_effort, add_json, add_overwrite, add_verb, positive
from sarcodec.cli.progress import progress
from sarcodec.errors import InvalidArgument


def add(verbs: argparse._SubParsersAction) -> None:
    """Declare the verb."""
    parser = add_verb(verbs, "decompress", "make a GeoTIFF of a compressed file", run)
    parser.add_argument("source", metavar="IN.sarc", help="the compressed file; '-': from standard input")
    parser.add_argument("target", metavar="OUT.tif", help="the GeoTIFF to write; '-': to standard output")
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
    add_json(parser)


def run(options: argparse.Namespace) -> int:
    """Decompress; without --json only notes are said."""
    import sarcodec
    from sarcodec.cli.output import say_notes, show
    from sarcodec.storage import input_for
    from sarcodec.storage.forms import GEOTIFF

    window = _window(options.window) if options.window else None
    with (
        input_for(options.source, options.target, options.overwrite, GEOTIFF) as source,
        progress("decompress", options.progress) as watch,
    ):
        report = sarcodec.decompress(
            source,
            options.target,
            window=window,
            indexes=options.band,
            reconstruct=options.reconstruct,
            speckle=options.speckle,
            threads=options.threads,
            overwrite=options.overwrite,
            progress=watch,
        )
    if options.json:
        show(report, as_json=True, to_stderr=options.target == "-")
    else:
        say_notes(report)
    return 0


def _window(numbers: list[int]):
    from sarcodec.format.tiling import Window

    col, row, width, height = numbers
    if min(col, row) < 0 or min(width, height) < 1:
        raise InvalidArgument(
            f"--window is {col} {row} {width} {height} (COL ROW WIDTH HEIGHT); the first column and row are 0, and width "
            "and height are at least 1"
        )
    return Window(row, col, height, width)
