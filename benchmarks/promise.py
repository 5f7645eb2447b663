"""Bytes of the latents in a file beside the bits that the entropy model's tables say they take.

    python benchmarks/promise.py [--data FOLDER] [--qualities 20,40,60]

Every image of FOLDER/val/{iw,slc,ew}: compressed to a file, read back, and the cost in bits of each symbol under the table that
coded it added up. Overhead: section bytes (checksum, state and words) over that.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from rd_val import ROOT

from sarcodec.decoding.scene import SceneDecoder
from sarcodec.entropy import coding as entropy
from sarcodec.entropy import tables
from sarcodec.entropy.prior import GROUPS, LATENT_TABLES
from sarcodec.entropy.tiles import _Reading
from sarcodec.entropy.trellis import places
from sarcodec.entropy.walk import walk
from sarcodec.format.bands import LEARNED
from sarcodec.format.reader import FileReader
from sarcodec.format.sections import unpack_latents


class Listening(_Reading):
    """The decoder's port; keeps the table of every symbol."""

    def __init__(self, base: entropy.Decoder, rest: entropy.Decoder):
        super().__init__(base, rest)
        self.tables = []

    def hyper(self, rows):
        self.tables.append(rows.reshape(-1))
        return super().hyper(rows)

    def latents(self, rows, mean, cells, channels):
        decoder = self.base if channels.start < GROUPS[0] else self.rest
        symbols, which = decoder.decode_dependent(rows.astype(np.uint16).reshape(-1))
        self.symbols.append(symbols)
        self.tables.append(rows.reshape(-1) + LATENT_TABLES * which.astype(np.int64))
        return places(symbols, which).reshape(rows.shape)


def promised(path: Path) -> tuple[float, int]:
    """Bits that the tables say, and bits of the sections, of a whole file."""
    bits = size = 0
    with FileReader(path) as file:
        decoder = SceneDecoder(file)
        for number in range(file.header.entry_count):
            tile, band = divmod(number, file.header.planes)
            if decoder.kind(band) != LEARNED:
                continue
            learned = decoder.learned
            coded, reference = learned._coded(learned.sections(tile, band), tile, band)
            if coded is None:
                continue
            port = Listening(*(entropy.Decoder(learned.codec.model.tables, unpack_latents(s)[1]) for s in coded))
            walk(learned.codec.model.prior, file.entry(tile, band).step, *learned.cells(tile), port, reference)
            found = learned.codec.model.tables
            bits += tables.cost(found, np.concatenate(port.tables), np.concatenate(port.symbols))
            size += sum(8 * len(section.payload) for section in coded)
    return float(bits), size


def main() -> int:
    """Print a line a quality. Status 1 if an image's sections are more than 1 % over what was promised."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    data = Path(os.environ.get("SARCODEC_DATA", ROOT.parent / "shared" / "data"))
    parser.add_argument("--data", type=Path, default=data, help="holds val (SARCODEC_DATA)")
    parser.add_argument("--qualities", default="20,40,60", metavar="Q,Q,...")
    arguments = parser.parse_args()
    scenes = [p for family in ("iw", "slc", "ew") for p in sorted((arguments.data / "val" / family).glob("*.tif"))]
    if not scenes:
        sys.exit(f"found no image in {arguments.data}/val; give --data or SARCODEC_DATA")
    print("| quality | bits promised | bits of the sections | over | most of an image |\n|---|---|---|---|---|")
    worst = 0.0
    with tempfile.TemporaryDirectory() as name:
        for quality in arguments.qualities.split(","):
            found = []
            for scene in scenes:
                packed = Path(name) / "scene.sarc"
                command = [
                    sys.executable,
                    "-m",
                    "sarcodec",
                    "compress",
                    scene,
                    packed,
                    "--quality",
                    quality,
                    "--overwrite",
                ]
                subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
                found.append(promised(packed))
            bits, sizes = np.array(found).T
            most = float(np.max(sizes / bits)) - 1
            worst = max(worst, most)
            over = sizes.sum() / bits.sum() - 1
            print(
                f"| {quality} | {bits.sum():.0f} | {sizes.sum():.0f} | {100 * over:+.3f} % | {100 * most:+.3f} % |",
                flush=True,
            )
    return int(worst > 0.01)


if __name__ == "__main__":
    sys.exit(main())
