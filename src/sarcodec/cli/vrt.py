"""`sarcodec vrt FILE [OUT.vrt]`: a small text that GDAL opens as the GeoTIFF of a compressed file."""

from __future__ import annotations

import argparse
import sys
from typing import Any

from sarcodec.cli.options import add_overwrite, add_verb, band_list
from sarcodec.cli.parser import one_line

EXAMPLES = (
    "sarcodec vrt scene.sarc                      # writes scene.sarc.vrt",
    "sarcodec vrt scene.sarc vh.vrt --indexes 2",
    "sarcodec vrt https://example.org/scene.sarc scene.vrt",
)
ABOUT = """GDAL, QGIS and rasterio open OUT.vrt where sarcodec can be imported by their
Python and these are set:
  GDAL_VRT_ENABLE_PYTHON=TRUSTED_MODULES
  GDAL_VRT_PYTHON_TRUSTED_MODULES=sarcodec.vrt
The VRT names the compressed file by its absolute path."""


def add(verbs: argparse._SubParsersAction[Any]) -> None:
    """Declare the verb."""
    parser = add_verb(
        verbs, "vrt", "write a VRT, by which GDAL opens a compressed file", run, EXAMPLES, ABOUT,
        usage="[OPTIONS] FILE [OUT.vrt]",
    )  # fmt: skip
    parser.add_argument("file", metavar="FILE", help="the compressed file, or its address")
    parser.add_argument("target", metavar="OUT.vrt", nargs="?", help="default FILE.vrt; '-': to standard output")
    parser.add_argument(
        "--indexes", type=band_list, metavar="N,...", help="only these bands, in this order; the first is 1"
    )
    parser.add_argument(
        "--relative-to",
        metavar="FOLDER",
        help="name FILE by its path from FOLDER, which readers name in SARCODEC_VRT_ROOT or are in",
    )
    parser.add_argument(
        "--reconstruct", choices=("power", "log"), default="power", help="as in sarcodec decompress (default: power)"
    )
    parser.add_argument(
        "--speckle", choices=("keep", "restore"), default="keep", help="as in sarcodec decompress (default: keep)"
    )
    add_overwrite(parser)


def run(options: argparse.Namespace) -> int:
    """Read the head, write the VRT."""
    from sarcodec.doors.vrt_file import write

    written = write(
        options.file,
        options.target,
        indexes=options.indexes,
        relative_to=options.relative_to,
        reconstruct=options.reconstruct,
        speckle=options.speckle,
        overwrite=options.overwrite,
    )
    if written != "-":
        print(one_line(f"{options.file} -> {written}"), file=sys.stdout)
    return 0
