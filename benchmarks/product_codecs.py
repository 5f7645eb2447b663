"""A Sentinel-1 product in the formats that are used for such: bytes, seconds, memory, what survives; then a window and an overview over the network.

    nice -n -10 python benchmarks/product_codecs.py BLANK.SAFE [--lines 16705] [--quality 60] [--folder FOLDER] [--delay-ms 50] [--skip-network]

The product is that of product.py, cut to its first lines where fewer are asked for. Every format is written by one fresh process from the product and read back by
another into GeoTIFFs (sarcodec: into a product) without compression; the options of the others are in product_file.py. JPEG 2000 gets as many bytes as
sarcodec's lossy file. Then sarcodec's file and the COG of Copernicus' kind are read through nginx, once as its own files (HTTP) and once as a bucket of moto's (S3): a
window of 512 x 512 pixels and overviews at 1/8 and 1/16, of both polarisations, each in a fresh process; requests and bytes are those of nginx's log. Needs Debian's
nginx and the extra `tools`.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path

from large import say
from processes import Run, compress_command, decompress_command, measure
from product import cut_to, make_product
from product_file import coded, measurements, table_of
from product_network import over_the_network
from product_survival import Survived, survived

HERE = Path(__file__).parent


@dataclass(frozen=True)
class Row:
    """A format: bytes on disk, of all polarisations; in and out; what survived."""

    format: str
    bytes: int
    into: Run
    out: Run
    kept: Survived


def ours(name: str, product: Path, folder: Path, *options: str) -> Row:
    """sarcodec with some options."""
    packed, back = folder / f"{name.replace(' ', '-').replace(',', '')}.sarc", folder / "back.SAFE"
    into = measure([*compress_command(product, packed), *options])
    out = measure(decompress_command(packed, back))
    kept = survived(measurements(product), measurements(back))
    shutil.rmtree(back)
    say(f"{name}: {packed.stat().st_size} bytes, {into}, {out}")
    return Row(name, packed.stat().st_size, into, out, kept)


def others(name: str, codec: str, product: Path, folder: Path, most_bytes: int = 0) -> Row:
    """A codec of product_file.py."""
    packed, back = folder / codec, folder / "back"
    command = [sys.executable, str(HERE / "product_file.py")]
    into = measure([*command, "encode", codec, str(product), str(packed), "--bytes", str(most_bytes)])
    out = measure([*command, "decode", codec, str(packed), str(back)])
    tables = [table_of(product, path) for path in measurements(product)] if codec == "lerc" else None
    kept = survived(measurements(product), coded(back), tables)
    shutil.rmtree(back)
    size = sum(path.stat().st_size for path in packed.iterdir())
    say(f"{name}: {size} bytes, {into}, {out}")
    return Row(name, size, into, out, kept)


def as_markdown(rows: list[Row]) -> str:
    """Two tables: cost, and what survives."""
    cost = ["| format | MB | s in | s out | peak in, MiB | peak out, MiB |", "|---" * 6 + "|"]
    kept = ["| format | RMSE dB | bias dB | border pixels wrong | control points | tags | targets: energy off by, dB | within 0.5 dB |", "|---" * 8 + "|"]  # fmt: skip
    for row in rows:
        times = f"{row.into.seconds:.0f} | {row.out.seconds:.0f} | {row.into.peak_mib:.0f} | {row.out.peak_mib:.0f}"
        cost.append(f"| {row.format} | {row.bytes / 1e6:.1f} | {times} |")
        k = row.kept
        kept.append(
            f"| {row.format} | {k.rmse_db:.3f} | {k.bias_db:+.3f} | {k.border:,} | {'all' if k.points else 'lost'} | {k.tags} | {k.energy_db:.2f} | {k.within:.1%} |"
        )
    return "\n".join([*cost, "", *kept, "", f"Targets: {rows[0].kept.targets:,}."])


def main() -> int:
    """Make, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("blank", type=Path)
    parser.add_argument("--lines", type=int, default=16705)
    parser.add_argument("--quality", type=float, default=60)
    parser.add_argument(
        "--folder", type=Path, help="where to work, and where the product stays for the next run; takes 15 GB"
    )
    parser.add_argument(
        "--delay-ms", type=float, default=50, help="of each answer, in the last columns of the second table"
    )
    parser.add_argument("--skip-network", action="store_true")
    parser.add_argument(
        "--skip-lossless", action="store_true", help="sarcodec's lossless file takes an hour in full size"
    )
    parser.add_argument("--only-network", action="store_true", help="two files, no comparison")
    parser.add_argument("--out", type=Path, help="write everything as JSON")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=arguments.folder) as name:
        folder = Path(name)
        product = cut_to(make_product(arguments.blank, arguments.folder or folder), arguments.lines, folder)
        say("product made")
        quality = ("--quality", f"{arguments.quality:g}")
        rows = [ours(f"sarcodec, quality {arguments.quality:g}", product, folder, *quality)]
        if not arguments.only_network:
            fast = ours(
                f"sarcodec, quality {arguments.quality:g}, effort 0", product, folder, *quality, "--effort", "0"
            )
            rows += (
                [fast] if arguments.skip_lossless else [fast, ours("sarcodec, lossless", product, folder, "--lossless")]
            )
        rows.append(others("COG, ZSTD (lossless)", "cog", product, folder))
        if not arguments.only_network:
            rows.append(others("COG, LERC_ZSTD, sigma nought within 1e-4", "lerc", product, folder))
            rows.append(others("JPEG 2000 of DN", "jp2", product, folder, rows[0].bytes))
            rows.append(others("JPEG 2000 of dB", "jp2-db", product, folder, rows[0].bytes))
        print(f"{arguments.lines} lines\n\n{as_markdown(rows)}\n")
        found = []
        if not arguments.skip_network:
            packed = folder / f"sarcodec-quality-{arguments.quality:g}.sarc"
            found = over_the_network(packed, coded(folder / "cog"), arguments.delay_ms / 1000, folder)
    if arguments.out:
        everything = {"lines": arguments.lines, "formats": [asdict(row) for row in rows], "network": found}
        arguments.out.write_text(json.dumps(everything, indent=1) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
