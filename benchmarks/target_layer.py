"""What the layer of targets costs: BD-rate of the codec with it against the same codec without, on every band of val.

    python benchmarks/target_layer.py [--data FOLDER] [--bands iw_berlin_b1,...] [--out FILE.json]

Both are this process's encoder at the default effort, plain uint16 bands as in `rd_val.py`, at seven qualities; without: the search for targets finds none. Error: that of
L = 20 log10(max(DN, 1)), decoded with `reconstruct="log"`, from 0.4 to 1.4 dB RMSE (calm bands to 1.2 dB). Bits are those of whole files. The aim: at most 1 % on each band.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from bands import CALM_WINDOW_DB, QUALITIES
from rd_val import ROOT, find_bands, level_db, read_band

import sarcodec
from sarcodec.encoding import tile_analysis
from sarcodec.encoding.target_finding import find_targets
from sarcodec.format.reader import FileReader
from sarcodec.format.sections import TARGETS
from sarcodec_lab.figures.curves import WINDOW_DB, RateDistortion, bd_rate


@contextmanager
def without_targets() -> Iterator[None]:
    """The encoder looks for targets where nothing is valid."""
    if tile_analysis.find_targets is not find_targets:
        raise LookupError("found no search for targets in encoding/tile_analysis.py; say in this benchmark where it is")
    tile_analysis.find_targets = lambda levels, valid, *rest: find_targets(levels, np.zeros_like(valid), *rest)
    try:
        yield
    finally:
        tile_analysis.find_targets = find_targets


def has_targets(blob: bytes) -> bool:
    """Whether a tile of a file has the section of targets."""
    with FileReader(blob) as file:
        tiles = range(file.header.entry_count)
        return any(section.kind == TARGETS for tile in tiles for section in file.sections(tile, 0))


def curve(dn: np.ndarray, targets: bool) -> list[RateDistortion]:
    """Bits a pixel and squared error in dB^2 at every quality; targets: whether the files have to have some."""
    points, some = [], False
    for quality in QUALITIES:
        blob = sarcodec.encode(dn, quality=quality, domain="amplitude")
        back = np.asarray(sarcodec.decode(blob, reconstruct="log")).reshape(dn.shape)
        some |= has_targets(blob)
        points.append(RateDistortion(8 * len(blob) / dn.size, float(np.mean((level_db(back) - level_db(dn)) ** 2))))
    if some != targets:
        raise ValueError(f"found targets in the files: {some}, expected {targets}")
    return points


def cost(dn: np.ndarray) -> float:
    """BD-rate in percent of the layer."""
    given = curve(dn, True)
    with without_targets():
        plain = curve(dn, False)
    calm = min(point.mse_db2 for curve in (given, plain) for point in curve[:1]) < WINDOW_DB[1] ** 2
    return bd_rate(plain, given, CALM_WINDOW_DB if calm else WINDOW_DB)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    data = Path(os.environ.get("SARCODEC_DATA", ROOT.parent / "shared" / "data"))
    parser.add_argument("--data", type=Path, default=data, help="holds val/iw, val/slc, val/ew (SARCODEC_DATA)")
    parser.add_argument("--bands", default="", help="names as in rd_val.py, without .npy; otherwise all")
    parser.add_argument("--out", type=Path, help="write everything as JSON")
    arguments = parser.parse_args()
    chosen, found = [name for name in arguments.bands.split(",") if name], {}
    for band in find_bands(arguments.data):
        name = band.name.removesuffix(".npy")
        if not chosen or name in chosen:
            found[name] = cost(read_band(band.path, band.number))
            print(f"| {name} | {found[name]:+.2f} % |", flush=True)
    if arguments.out:
        arguments.out.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    return int(any(percent > 1 for percent in found.values()))


if __name__ == "__main__":
    sys.exit(main())
