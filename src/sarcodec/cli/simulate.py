"""`sarcodec simulate OUT.tif`: a Sentinel-1 scene that no satellite saw, to try things on."""

from __future__ import annotations

import argparse

from sarcodec.cli.options import add_overwrite, add_verb, positive


def add(verbs: argparse._SubParsersAction) -> None:
    """Declare the verb."""
    parser = add_verb(verbs, "simulate", "write a simulated Sentinel-1 GRDH scene (uint16 DN)", run)
    parser.add_argument("target", metavar="OUT.tif", help="the GeoTIFF to write")
    parser.add_argument(
        "--size",
        nargs="+",
        type=positive,
        default=[1024],
        metavar="N",
        help="ROWS COLS, or one number (default: 1024)",
    )
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="another number, another scene (default: 0)")
    parser.add_argument("--preset", default="mixed", metavar="NAME", help="mixed, sea, ships, ... (default: mixed)")
    parser.add_argument("--bands", nargs="+", default=["VV", "VH"], metavar="BAND", help="VV, VH (default: both)")
    parser.add_argument("--truth", metavar="TRUTH.tif", help="also write the true reflectivity (float32, linear power)")
    parser.add_argument("--nodata-border", action="store_true", help="slanted borders of DN 0, as products have them")
    add_overwrite(parser)


def run(options: argparse.Namespace) -> int:
    """Write the scene; silent when all is well."""
    from sarcodec.errors import InvalidArgument
    from sarcodec.simulate.product import simulate

    if len(options.size) > 2:
        raise InvalidArgument(f"--size has {len(options.size)} numbers; expected ROWS COLS, or one for a square")
    simulate(
        options.target,
        options.size[0],
        options.size[-1],
        bands=tuple(options.bands),
        seed=options.seed,
        preset=options.preset,
        overwrite=options.overwrite,
        truth_path=options.truth,
        nodata_border=options.nodata_border,
    )
    return 0
