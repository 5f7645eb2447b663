"""Makes the golden research file: python tests/study/golden/make.py, only when version 0 of the format changes."""

import json
import sys
import zlib
from pathlib import Path

import numpy as np

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[1]))

from study.test_latent_file import example

from sarcodec_lab.study.files import latent_file
from sarcodec_lab.study.files.latent_file import BandData
from sarcodec_lab.study.files.tiles import lead


def main() -> None:
    """Latents of both kinds: noise, and a smooth field with channels of several deviations."""
    head, (first, second) = example()
    smooth = (
        np.random.default_rng(14).normal(size=head.latent_shape).cumsum(2).cumsum(3)
        * np.array([3, 1, 0.2])[:, None, None]
    )
    bands = [first, BandData(lead(np.rint(smooth).astype(int), head.layout), second.mask)]
    (HERE / "v0.sara").write_bytes(latent_file.pack(head, bands))
    facts = [
        {
            "shape": list(band.latents.shape),
            "latents_crc": zlib.crc32(band.latents.astype("<i4").tobytes()),
            "mask_crc": zlib.crc32(band.mask),
        }
        for band in bands
    ]
    (HERE / "v0.json").write_text(json.dumps(facts, indent=2) + "\n")


if __name__ == "__main__":
    main()
