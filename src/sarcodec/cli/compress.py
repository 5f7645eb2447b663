"""`sarcodec compress IN.tif OUT.sarc`: a scene into a small file."""

from __future__ import annotations

import argparse

from sarcodec.cli.options import add_domain, add_effort, add_json, add_overwrite, add_verb, positive
from sarcodec.cli.progress import progress


def add(verbs: argparse._SubParsersAction) -> None:
    """Declare the verb."""
    parser = add_verb(verbs, "compress", "make a small file of a radar GeoTIFF", run)
    parser.add_argument("source", metavar="IN.tif", help="GeoTIFF or another raster; '-': from standard input")
    parser.add_argument(
        "target", metavar="OUT.sarc", help="the file to write; '-': to standard output, and the report to stderr"
    )
    _add_targets(parser.add_mutually_exclusive_group())
    add_domain(parser)
    parser.add_argument(
        "--exact-bands",
        type=_bands,
        metavar="N,...",
        help="bands that are no radar and come back bit for bit, the first is 1 (default: find them; none: there are none)",
    )
    parser.add_argument(
        "--effort",
        type=int,
        default=6,
        metavar="N",
        help="0 (fastest) to 9 (smallest file), default 6; decoding is as fast at every effort",
    )
    parser.add_argument(
        "--independent-bands",
        action="store_true",
        help="code every band alone, so that it can be decoded alone (default: every second band leans on the one before)",
    )
    parser.add_argument("--model", metavar="ID", help="a published model (see: sarcodec models list)")
    add_overwrite(parser)
    add_effort(parser)
    add_json(parser)


def _add_targets(targets: argparse._MutuallyExclusiveGroup) -> None:
    targets.add_argument(
        "--quality",
        type=float,
        metavar="Q",
        help="0 to 100, default 60: the quantiser step, which halves every 10 (60: 1 dB)",
    )
    targets.add_argument("--target-bpp", type=float, metavar="BITS", help="bits per pixel and band, of the whole file")
    targets.add_argument("--target-size", type=positive, metavar="BYTES", help="size of the file, never exceeded")
    targets.add_argument("--target-rmse-db", type=float, metavar="DB", help="root mean square error in dB")
    targets.add_argument(
        "--class",
        dest="quality_class",
        choices=("archive", "analysis"),
        help="the smallest file whose bands all keep to the class's bounds on bias, 8 x 8 error, ENL and mask",
    )
    targets.add_argument(
        "--max-error-db", type=float, metavar="DB", help="no valid pixel is off by more (extra `bounded`, no model)"
    )
    targets.add_argument(
        "--lossless", action="store_true", help="every pixel comes back bit for bit (extra `bounded`, no model)"
    )


def _bands(text: str) -> tuple[int, ...]:
    """Numbers from 1, or none."""
    if text.strip().lower() == "none":
        return ()
    try:
        bands = tuple(int(word) for word in text.split(","))
    except ValueError:
        bands = (0,)
    if min(bands) < 1 or len(set(bands)) < len(bands):
        raise argparse.ArgumentTypeError(
            f"{text!r} is not a list of different bands such as 3,4; the first is 1, and none means none"
        )
    return bands


def run(options: argparse.Namespace) -> int:
    """Compress and say how it went."""
    import sarcodec
    from sarcodec.cli.output import show
    from sarcodec.storage import input_for
    from sarcodec.storage.forms import SARCODEC

    found = {} if options.exact_bands is None else {"exact_bands": options.exact_bands}
    with (
        input_for(options.source, options.target, options.overwrite, SARCODEC) as source,
        progress("compress", options.progress) as watch,
    ):
        report = sarcodec.compress(
            source,
            options.target,
            quality=options.quality,
            target_bpp=options.target_bpp,
            target_size=options.target_size,
            target_rmse_db=options.target_rmse_db,
            quality_class=options.quality_class,
            max_error_db=options.max_error_db,
            lossless=options.lossless,
            domain=options.domain,
            effort=options.effort,
            independent_bands=options.independent_bands,
            model=options.model,
            threads=options.threads,
            overwrite=options.overwrite,
            progress=watch,
            **found,
        )
    show(report, options.json, to_stderr=options.target == "-")
    return 0
