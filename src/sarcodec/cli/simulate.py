"""`sarcodec simulate OUT.tif`: a Sentinel-1 scene that no satellite saw, to try things on."""

from __future__ import annotations

import argparse
from typing import Any

from sarcodec.cli.options import add_overwrite, add_saying, add_verb, not_negative, positive

PRESETS = ("mixed", "sea", "ships", "fields", "forest", "river", "mountain", "city", "homogeneous")
EXAMPLES = (
    "sarcodec simulate scene.tif",
    "sarcodec simulate ships.tif --size 2000 1500 --preset ships --seed 7",
)


def add(verbs: argparse._SubParsersAction[Any]) -> None:
    """Declare the verb."""
    parser = add_verb(
        verbs,
        "simulate",
        "write a simulated Sentinel-1 GRDH scene (uint16 DN)",
        run,
        EXAMPLES,
        usage="[OPTIONS] OUT.tif",
    )
    parser.add_argument("target", metavar="OUT.tif", help="the GeoTIFF to write")
    parser.add_argument(
        "--size",
        nargs="+",
        type=positive,
        default=[1024],
        metavar="PX",
        help="WIDTH HEIGHT, or one number (default: 1024)",
    )
    parser.add_argument(
        "--seed", type=not_negative, default=0, metavar="N", help="another number, another scene (default: 0)"
    )
    parser.add_argument(
        "--preset",
        choices=PRESETS,
        default="mixed",
        metavar="NAME",
        help=f"{', '.join(PRESETS)} (default: mixed)",
    )
    parser.add_argument(
        "--bands", type=_names, default=("VV", "VH"), metavar="NAME,...", help="VV, VH or VV,VH (default: VV,VH)"
    )
    parser.add_argument("--truth", metavar="TRUTH.tif", help="also write the true reflectivity (float32, linear power)")
    parser.add_argument("--nodata-border", action="store_true", help="slanted borders of DN 0, as products have them")
    add_overwrite(parser)
    add_saying(parser)


def run(options: argparse.Namespace) -> int:
    """Write the scene and say where."""
    from sarcodec.cli.brief import simulated
    from sarcodec.cli.output import tell
    from sarcodec.errors import InvalidArgument
    from sarcodec.simulate.product import simulate

    if len(options.size) > 2:
        raise InvalidArgument(f"--size has {len(options.size)} numbers; expected WIDTH HEIGHT, or one for a square")
    simulate(
        options.target,
        options.size[-1],
        options.size[0],
        bands=options.bands,
        seed=options.seed,
        preset=options.preset,
        overwrite=options.overwrite,
        truth_path=options.truth,
        nodata_border=options.nodata_border,
    )
    names = ("seed", "preset", "truth", "nodata_border")
    report = {"path": options.target, "rows": options.size[-1], "cols": options.size[0], "bands": list(options.bands)}
    report |= {name: getattr(options, name) for name in names}
    tell(report, simulated(report), options, to_stderr=options.target == "-")
    return 0


def _names(text: str) -> tuple[str, ...]:
    names = tuple(text.split(","))
    if not set(names) <= {"VV", "VH"} or len(set(names)) < len(names):
        raise argparse.ArgumentTypeError(f"{text!r} is not VV, VH or VV,VH")
    return names
