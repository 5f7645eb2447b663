"""Scenes that are not speckle: multilooked, without speckle, a ramp, a constant; beside JPEG 2000 at the same error.

    python benchmarks/smooth.py [--quality 60]

One simulated scene of 512 x 512 pixels, float32 amplitude, compressed and read back by the Python verbs. Needs the extra `bench`.
"""

import argparse
import tempfile
from pathlib import Path

import numpy as np

import sarcodec
from sarcodec.format.scene import SceneInfo
from sarcodec.format.tiling import Window
from sarcodec.raster.geotiff import write_array
from sarcodec.simulate.scene import SceneSimulator
from sarcodec_lab.figures.peers import decode_jpeg2000, encode_jpeg2000

SIZE = 512


def scenes() -> dict[str, np.ndarray]:
    """Name -> amplitude (512, 512), float64, above 0."""
    from scipy.ndimage import uniform_filter

    simulator, window = SceneSimulator(SIZE, SIZE, ("VV",), seed=3), Window(0, 0, SIZE, SIZE)
    speckle = simulator.pixels(window)[0].astype(float)
    return {
        "simulated scene": speckle,
        "the same, multilooked 7 x 7": np.sqrt(uniform_filter(speckle**2, 7)),
        "its true reflectivity": 500 * np.sqrt(simulator.reflectivity(window)[0]),
        "ramp": np.exp(np.linspace(2, 8, SIZE))[None] * np.ones((SIZE, 1)),
        "constant": np.full((SIZE, SIZE), 100.0),
    }


def jpeg2000_bits(level_db: np.ndarray, rmse_db: float) -> float:
    """Bits a pixel of the first JPEG 2000 setting, in steps of 1 dB of PSNR, whose error is no larger."""
    for psnr_db in range(25, 90):
        packed = encode_jpeg2000(level_db, psnr_db)
        if np.sqrt(np.mean(np.square(decode_jpeg2000(packed) - level_db))) <= rmse_db:
            break
    return 8 * len(packed) / level_db.size


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quality", type=float, default=60)
    options = parser.parse_args()
    print("| scene | bit/pixel | RMSE dB | mean error dB | JPEG 2000 bit/pixel |\n|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as name:
        source, packed = Path(name) / "in.tif", Path(name) / "out.sarc"
        for label, amplitude in scenes().items():
            pixels = amplitude.astype(np.float32)
            write_array(source, pixels[None], SceneInfo(SIZE, SIZE, 1, "float32"), overwrite=True)
            report = sarcodec.compress(source, packed, quality=options.quality, domain="amplitude", overwrite=True)
            with sarcodec.open(packed, reconstruct="log") as scene:
                decoded = scene.read()[0]
            level = 20 * np.log10(pixels)
            error = 20 * np.log10(decoded) - level
            rmse = float(np.sqrt(np.mean(np.square(error))))
            print(
                f"| {label} | {report.bits_per_pixel:.3f} | {rmse:.3f} | {error.mean():+.4f} | {jpeg2000_bits(level, rmse):.3f} |"
            )


if __name__ == "__main__":
    main()
