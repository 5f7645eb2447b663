"""Draw docs/assets/study-gallery.webp: one simulated tile, as a linear transform and the study's networks give it back with latents as float numbers.

    python benchmarks/study_gallery.py RUN|MODEL ... [--out docs/assets/study-gallery.webp]

Row by row, three to a row: the original, the 8 x 8 lowest DCT coefficients of 32 x 32, then the networks in order. The grey scale is the study's.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from PIL import Image

from sarcodec.raster.geotiff import read_array
from sarcodec_lab.figures.study_metrics import study_figures, to_study_unit
from sarcodec_lab.study.floats import in_unit
from sarcodec_lab.study.linear import lowest_of_blocks
from sarcodec_lab.train.autoencoders.floats import network_of

SCENE = ("--size", "512", "--preset", "mixed", "--seed", "1", "--overwrite")
PLACE = (slice(128, 384), slice(128, 384))
GAP_PX, COLUMNS = 6, 3


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("networks", nargs="*", type=Path)
    parser.add_argument("--out", type=Path, default=Path("docs/assets/study-gallery.webp"))
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        scene = Path(folder, "scene.tif")
        subprocess.run([sys.executable, "-m", "sarcodec", "simulate", str(scene), *SCENE], check=True)
        dn = read_array(scene)[0][0][PLACE]
    panels = {"original": dn, "DCT, 8 x 8 lowest of 32 x 32": in_unit(lambda x: lowest_of_blocks(x, 32, 8))(dn)}
    for folder in options.networks:
        seen = network_of(folder)
        panels[seen.name] = seen(dn)
    for name, panel in panels.items():
        if panel is not dn:
            figures = study_figures(dn, panel)
            print(f"{name}: PSNR {figures.psnr_study:.2f} dB, SSIM {figures.ssim_study:.3f}")
    grey = [np.rint(255 * to_study_unit(panel)) for panel in panels.values()]
    Image.fromarray(sheet(grey)).save(options.out, quality=80, method=6)
    return 0


def sheet(panels: list[np.ndarray]) -> np.ndarray:
    """Panels of one size, rows x cols of grey from 0 to 255, on white with a gap between them; places that are left over stay white."""
    rows, cols = panels[0].shape
    down = -(-len(panels) // COLUMNS)
    page = np.full((down * (rows + GAP_PX) - GAP_PX, COLUMNS * (cols + GAP_PX) - GAP_PX), 255, np.uint8)
    for index, panel in enumerate(panels):
        top, left = index // COLUMNS * (rows + GAP_PX), index % COLUMNS * (cols + GAP_PX)
        page[top : top + rows, left : left + cols] = panel
    return page


if __name__ == "__main__":
    sys.exit(main())
