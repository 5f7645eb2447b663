"""Draw docs/assets/original.webp, decoded.webp and difference.webp: a simulated scene, what comes back, what was lost.

    python tools/site/picture.py

The scene is simulated, compressed and decompressed with the verbs of the command line. Needs the extra `docs` (Pillow).
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import rasterio
from PIL import Image
from rasterio.windows import Window

ASSETS = Path(__file__).parents[2] / "docs" / "assets"
RATE_BITS = 0.4
SCENE = ("--size", "1024", "--preset", "mixed", "--seed", "1", "--overwrite")
PLACE = Window(330, 330, 360, 360)
BLACK_DB, WHITE_DB, ERROR_DB = 28.0, 54.0, 6.0


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        scene, packed, back = (str(Path(folder, name)) for name in ("scene.tif", "scene.sarc", "back.tif"))
        _run("simulate", scene, *SCENE)
        _run("compress", scene, packed, "--target-bpp", str(RATE_BITS))
        _run("decompress", packed, back)
        smaller = 16 / (8 * Path(packed).stat().st_size / (2 * 1024 * 1024))
        before, after = _level(scene), _level(back)
    error = after - before
    print(f"{smaller:.1f} times smaller, RMSE {np.sqrt(np.mean(error**2)):.2f} dB in the cut")
    for name, panel in {"original": _grey(before), "decoded": _grey(after), "difference": _signed(error)}.items():
        Image.fromarray(panel).save(ASSETS / f"{name}.webp", quality=82, method=6)


def _run(*words: str) -> None:
    subprocess.run([sys.executable, "-m", "sarcodec", *words], check=True, stdout=subprocess.DEVNULL)


def _level(path: str) -> np.ndarray:
    """Level in dB of the place in band 1."""
    with rasterio.open(path) as scene:
        return 20 * np.log10(np.maximum(scene.read(1, window=PLACE).astype(np.float32), 1))


def _grey(level: np.ndarray) -> np.ndarray:
    share = np.clip((level - BLACK_DB) / (WHITE_DB - BLACK_DB), 0, 1)
    return np.repeat((255 * share).astype(np.uint8)[..., None], 3, axis=2)


def _signed(error: np.ndarray) -> np.ndarray:
    """White where nothing differs, red where the decoded pixel is brighter, blue where it is darker."""
    share = np.clip(error / ERROR_DB, -1, 1)[..., None]
    white, red, blue = np.array([247, 247, 247]), np.array([178, 24, 43]), np.array([33, 102, 172])
    return np.where(share > 0, white + share * (red - white), white - share * (blue - white)).astype(np.uint8)


if __name__ == "__main__":
    main()
