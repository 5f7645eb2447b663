"""Training images whose speckle is simulated: real land under fresh native speckle, and land that never was.

In: training images and a recipe; out: images of the families 'native' and 'simulated', the same for the same seed. Real
terrain-corrected images have resampled, correlated speckle; native speckle is what untouched GRD products have.
"""

import hashlib
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np

from sarcodec.format.tiling import Window
from sarcodec.signal.radiometry import AMPLITUDE, normalise
from sarcodec.simulate.scene import SceneSimulator
from sarcodec.simulate.speckle import resimulate
from sarcodec_lab.train.patches import Image, read_native
from sarcodec_lab.train.recipe import Recipe

SOURCE_FAMILY = "iw"
SMALLEST_PX = 200
MOSTLY_VALID = 0.97
COPIES = 2
DN_SCALES = (1, 4)  # GRDH products hold DN a few times larger than 500 sigma
PRESETS = ("mixed", "city", "mountain", "ships")
_MADE_FROM = "made_from.json"
_NATIVE_STREAM, _SIMULATED_STREAM = 5, 6  # so that no two uses of a seed draw the same numbers


def native_images(
    images: list[Image], recipe: Recipe, folder: Path, report: Callable[[str], None] = print
) -> list[Image]:
    """Two draws of native speckle over every large, valid image outside the development groups.

    Kept in `folder` as .npy, and made anew when the seed or the images have changed.
    """
    sources = [i for i in images if _suits(i) and i.group not in recipe.dev_groups]
    made_from = {"seed": recipe.seed, "sources": _digest(sources), "version": 2}
    if not _is_made(folder, made_from):
        report(f"native speckle over {len(sources)} images: making {COPIES * len(sources)} in {folder}")
        _make(sources, recipe.seed, folder, made_from)
    return read_native(folder, [image.scene for image in sources])


def _suits(image: Image) -> bool:
    return (
        image.family == SOURCE_FAMILY
        and min(image.level_db.shape) >= SMALLEST_PX
        and image.valid.mean() >= MOSTLY_VALID
    )


def _digest(sources: list[Image]) -> str:
    total = hashlib.sha256()
    for image in sources:
        total.update(
            f"{image.group} {image.level_db.shape}\n".encode() + np.ascontiguousarray(image.level_db).tobytes()
        )
    return total.hexdigest()


def _is_made(folder: Path, made_from: dict) -> bool:
    try:
        return json.loads((folder / _MADE_FROM).read_text()) == made_from
    except (OSError, ValueError):
        return False


def _make(sources: list[Image], seed: int, folder: Path, made_from: dict) -> None:
    """Fill a folder beside and put it in the place of the old one."""
    beside = folder.with_name(folder.name + ".part")
    shutil.rmtree(beside, ignore_errors=True)
    beside.mkdir(parents=True)
    try:
        for number, image in enumerate(sources):
            for copy in range(COPIES):
                rng = np.random.default_rng([seed, _NATIVE_STREAM, number, copy])
                np.save(beside / f"{number:04d}-{copy}.npy", respeckled(image.level_db, rng))
        (beside / _MADE_FROM).write_text(json.dumps(made_from))
        shutil.rmtree(folder, ignore_errors=True)
        beside.replace(folder)
    except BaseException:
        shutil.rmtree(beside, ignore_errors=True)
        raise


def respeckled(level_db: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Levels in dB (rows, cols) of the same land seen anew, as whole DN of at least 1 have them; float32."""
    amplitude = np.sqrt(resimulate(10 ** (level_db / 10), rng)) * rng.choice(DN_SCALES)
    return (20 * np.log10(np.maximum(np.rint(amplitude), 1))).astype(np.float32)


def simulated_images(recipe: Recipe) -> list[Image]:
    """Scenes that the simulator makes up, two bands each; their groups are simulated_PRESET_NUMBER."""
    side, images = recipe.simulated_px, []
    for number in range(recipe.simulated_scenes):
        preset = PRESETS[number % len(PRESETS)]
        seed = np.random.SeedSequence([recipe.seed, _SIMULATED_STREAM, number]).generate_state(1, np.uint64)[0]
        pixels = SceneSimulator(side, side, seed=int(seed), preset=preset).pixels(Window(0, 0, side, side))
        group = f"simulated_{preset}_{number // len(PRESETS)}"
        images += [Image(*normalise(band, AMPLITUDE), "simulated", group, group) for band in pixels]
    return images
