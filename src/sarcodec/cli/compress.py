"""`sarcodec compress IN.tif OUT.sarc`: a scene into a small file."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from sarcodec.cli.options import (
    add_domain,
    add_overwrite,
    add_saying,
    add_verb,
    add_working,
    band_list,
    byte_count,
    number,
)
from sarcodec.cli.progress import progress
from sarcodec.errors import InvalidArgument

if TYPE_CHECKING:
    from sarcodec.api.compression import CompressReport

EXAMPLES = (
    "sarcodec compress scene.tif scene.sarc                      # quality 60",
    "sarcodec compress scene.tif small.sarc --target-size 300kB  # never larger",
    "sarcodec compress scene.tif keep.sarc --class archive       # measured bounds",
    "sarcodec compress S1A_IW_GRDH_....SAFE product.sarc         # a whole product",
    "sarcodec compress - - < scene.tif > stream.sarc             # through a pipe",
)
_EFFORTS = {0: "fast", 1: "the default", 2: "small", 3: "smallest"}


def add(verbs: argparse._SubParsersAction[Any]) -> None:
    """Declare the verb."""
    about = "Give at most one of the options from --quality to --lossless."
    parser = add_verb(
        verbs, "compress", "make a small file of a radar GeoTIFF", run, EXAMPLES, about, "[OPTIONS] IN.tif OUT.sarc"
    )
    parser.add_argument(
        "source",
        metavar="IN.tif",
        help="GeoTIFF or another raster, or a product: NAME.SAFE or a zip of it; '-': from standard input",
    )
    parser.add_argument(
        "target",
        metavar="OUT.sarc",
        help="the file to write; '-': to standard output (tiles wait in $TMPDIR until all are done), and the report to stderr",
    )
    add_quality(parser)
    parser.add_argument(
        "--attach",
        action="append",
        type=_attachment,
        default=[],
        metavar="NAME=PATH",
        help="a file that is kept beside the pixels, compressed, under a name such as annotation/iw.xml; may be given again",
    )
    add_as_is(parser)
    parser.add_argument(
        "--light",
        action="store_true",
        help="of a product make OUT.SAFE: the compressed file and all else of the product, and a VRT for each measurement, under its name. "
        "IN may also be the compressed file of a product",
    )
    parser.add_argument(
        "--relative-to",
        metavar="FOLDER",
        help="with --light: the VRTs name the compressed file by its path from FOLDER, which readers name in SARCODEC_VRT_ROOT or are in",
    )
    add_overwrite(parser)
    add_working(parser)
    add_saying(parser)


def add_as_is(parser: argparse.ArgumentParser) -> None:
    """Whether a product has to be whole."""
    parser.add_argument(
        "--as-is",
        action="store_true",
        help="take a product (SAFE) even if files that its manifest lists are missing, or are not those of its checksums",
    )


def add_quality(parser: argparse.ArgumentParser) -> None:
    """How good or how small the file is to be, of what, and made how."""
    _add_targets(parser.add_mutually_exclusive_group())
    add_domain(parser)
    parser.add_argument(
        "--exact-bands",
        type=_exact_bands,
        metavar="N,...",
        help="bands that are no radar and come back bit for bit, the first is 1 (default: find them; none: there are none)",
    )
    parser.add_argument(
        "--effort",
        type=_effort,
        choices=tuple(_EFFORTS),
        default=1,
        metavar="N",
        help="how hard the encoder tries, 0 to 3; 0, fast: symbols are rounded one by one, in half of the time and at 7 percent more bits and error; "
        "1, the default: they are searched along the trellis; 2, small: a larger trellis and other scales are tried tile by "
        "tile; 3, smallest: scales are tried one by one, in seconds a tile and band. Decompressing is as fast at each",
    )
    parser.add_argument(
        "--independent-bands",
        action="store_true",
        help="code every band alone, so that it can be decoded alone (default: every second band leans on the one before)",
    )
    parser.add_argument("--model", metavar="ID", help="a published model (see: sarcodec models list)")


def _add_targets(targets: argparse._MutuallyExclusiveGroup) -> None:
    targets.add_argument(
        "--quality",
        type=number(0, 100),
        metavar="Q",
        help="0 to 100 (default: 60): the quantiser step, which halves every 10 (60: 1 dB)",
    )
    targets.add_argument(
        "--target-bpp", type=number(0), metavar="BITS", help="bits per pixel and band, of the whole file"
    )
    targets.add_argument(
        "--target-size",
        type=byte_count,
        metavar="BYTES",
        help="size of the file, never exceeded: 20000, 10kB, 5MB, 1.5MiB",
    )
    targets.add_argument("--target-rmse-db", type=number(0), metavar="DB", help="root mean square error in dB")
    targets.add_argument(
        "--class",
        dest="quality_class",
        choices=("archive", "analysis"),
        help="the smallest file found whose bands all keep to the class's bounds on bias, 8 x 8 error, ENL and mask",
    )
    targets.add_argument(
        "--max-error-db",
        type=number(0.001, 20),
        metavar="DB",
        help="no valid pixel is off by more, 0.001 to 20 (extra `bounded`, no model)",
    )
    targets.add_argument(
        "--lossless", action="store_true", help="every pixel comes back bit for bit (extra `bounded`, no model)"
    )


def _exact_bands(text: str) -> tuple[int, ...]:
    """Numbers from 1, or none."""
    if text.strip().lower() == "none":
        return ()
    try:
        return band_list(text)
    except argparse.ArgumentTypeError as error:
        raise argparse.ArgumentTypeError(f"{error}, and none means none") from None


def _attachment(text: str) -> tuple[str, str]:
    """Name and path."""
    name, equals, path = text.partition("=")
    if not (name and equals and path):
        raise argparse.ArgumentTypeError(f"{text!r} is no NAME=PATH, such as annotation/iw.xml=iw-annotation.xml")
    return name, path


def _attachments(pairs: list[tuple[str, str]]) -> dict[str, str]:
    names = [name for name, _ in pairs]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise InvalidArgument(f"--attach was given twice for {twice!r}; take another name for one of them")
    return dict(pairs)


def _effort(text: str) -> int:
    efforts = {str(effort): effort for effort in _EFFORTS}
    if text not in efforts:
        there = ", ".join(f"{effort} ({name})" for effort, name in _EFFORTS.items())
        raise argparse.ArgumentTypeError(f"{text!r} is not an effort; there are {there}")
    return efforts[text]


def run(options: argparse.Namespace) -> int:
    """Compress and say how it went."""
    import sarcodec
    from sarcodec.cli.brief import compressed
    from sarcodec.cli.output import tell
    from sarcodec.storage import input_for
    from sarcodec.storage.forms import SARCODEC

    if options.light:
        return _light(options)
    if options.relative_to is not None:
        raise InvalidArgument("--relative-to says where the VRTs of a light product find its pixels; give --light too")
    with (
        input_for(options.source, options.target, options.overwrite, SARCODEC) as source,
        progress("compress", options.progress, options.quiet) as watch,
    ):
        report = sarcodec.compress(source, options.target, overwrite=options.overwrite, progress=watch, **_how(options))
    brief = compressed(report, options.source, _pixel_bytes(report, options), _asked(options))
    tell(report, brief, options, to_stderr=options.target == "-")
    return 0


def _how(options: argparse.Namespace) -> dict[str, Any]:
    """Keywords of sarcodec.compress."""
    names = (
        "quality", "target_bpp", "target_size", "target_rmse_db", "quality_class", "max_error_db", "lossless", "domain", "effort", "independent_bands",
        "model", "as_is", "threads", "memory",
    )  # fmt: skip
    exact = {} if options.exact_bands is None else {"exact_bands": options.exact_bands}
    return {name: getattr(options, name) for name in names} | {"attachments": _attachments(options.attach)} | exact


def _light(options: argparse.Namespace) -> int:
    """A light product instead of a file."""
    from sarcodec.cli.brief import light
    from sarcodec.cli.output import tell
    from sarcodec.doors import light_product
    from sarcodec.products.files import is_product

    with progress("compress", options.progress, options.quiet) as watch:
        how = {**_how(options), "progress": watch} if is_product(options.source) else {}
        report = light_product.write(
            options.source, options.target, relative_to=options.relative_to, overwrite=options.overwrite, **how
        )
    tell(report, light(report, options.source, _asked(options)), options)
    return 0


def _pixel_bytes(report: CompressReport, options: argparse.Namespace) -> int | None:
    """Bytes of all pixels as they are typed in the scene, which the written file says; None where it went into a pipe."""
    if options.target == "-" or options.json or options.quiet:
        return None
    import numpy as np

    import sarcodec

    return report.pixels * report.bands * np.dtype(sarcodec.info(options.target).dtype).itemsize


def _asked(options: argparse.Namespace) -> str:
    """The target in words."""
    from sarcodec.cli.brief import size

    if options.target_size is not None:
        return f"at most {size(options.target_size)}"
    if options.target_bpp is not None:
        return f"{options.target_bpp:g} bits a pixel and band were asked for"
    return "" if options.target_rmse_db is None else f"{options.target_rmse_db:g} dB RMSE were asked for"
