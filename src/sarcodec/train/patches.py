"""Training patches: levels in dB cut from real and simulated images, split by place. In: folders; out: tensors."""

import csv
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from sarcodec.errors import InvalidArgument, SarcodecError, UnsupportedScene
from sarcodec.raster import geotiff, radiometry

from .recipe import GRID_PX, STEP_INDICES, Recipe

ENOUGH_VALID = 0.9
SMALLEST_PX = 100  # smaller images are left out, larger ones continued by reflection up to a patch
FLAT_SHARE = 0.15
TRIES = 20
_COLUMNS = {"file", "split", "family", "group"}


@dataclass(frozen=True, eq=False)
class Image:
    """One band: levels in dB (rows, cols), invalid pixels filled, the valid mask, its family and its place's group."""

    level_db: np.ndarray
    valid: np.ndarray
    family: str
    group: str


def read_images(data: Path, split: str = "train", report: Callable[[str], None] = print) -> list[Image]:
    """Every band of the rasters that DATA/index.csv lists for a split; what cannot be read as amplitude is reported.

    index.csv has at least the columns file (a path inside DATA), split, family and group (one for all of a place).
    """
    rows = [r for r in _read_index(Path(data) / "index.csv") if r["split"] == split and r["file"].endswith(".tif")]
    if not rows:
        raise InvalidArgument(f"{data}/index.csv lists no .tif of split {split!r}; expected some to train on")
    images = []
    for row in rows:
        try:
            images += _bands(Path(data) / row["file"], row["family"], row["group"])
        except SarcodecError as error:
            report(f"left out {row['file']}: {error}")
    return images


def _read_index(path: Path) -> list[dict[str, str]]:
    try:
        with open(path, newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidArgument(
            f"cannot read {path} ({error}); --data names a folder with images and an index.csv"
        ) from error
    missing = _COLUMNS - set(rows[0] if rows else ())
    if missing:
        raise InvalidArgument(f"{path} lacks the columns {sorted(missing)} or has no rows; see docs/training.md")
    return rows


def _bands(path: Path, family: str, group: str) -> list[Image]:
    pixels, info = geotiff.read_array(path)
    domain = radiometry.guess_domain(pixels, info.nodata[0], info.hints)
    if domain != "amplitude":
        raise UnsupportedScene(f"its pixels look like {domain}, expected amplitude (DN); convert it")
    images = []
    for band, nodata in zip(pixels, info.nodata, strict=True):
        level, valid = radiometry.normalise(band, "amplitude", nodata)
        if valid.mean() > 0.5:
            images.append(Image(radiometry.fill_invalid(level, valid), valid, family, group))
    return images


def read_native(folder: Path) -> list[Image]:
    """Simulated native-like bands: every .npy of levels in dB in a folder (made by `train.native`)."""
    found = [np.load(p).astype(np.float32) for p in sorted(Path(folder).glob("*.npy"))]
    return [Image(level, np.ones(level.shape, bool), "native", "simulated") for level in found]


class PatchSource:
    """Random patches by family weight, then by the square root of an image's area; flips, turns, contrast.

    Raises InvalidArgument when no family of the recipe has an image that is large enough.
    """

    def __init__(self, images: list[Image], recipe: Recipe):
        self.recipe, self.rng = recipe, np.random.default_rng(recipe.seed)
        size = recipe.patch_px
        big = [i for i in images if min(i.level_db.shape) >= size]
        small = [mirrored(i, size) for i in images if SMALLEST_PX <= min(i.level_db.shape) < size]
        self.pools = {}
        for family, weight in recipe.families:
            pool = [i for i in big + small if i.family == family]
            if pool and weight > 0:
                area = np.sqrt([i.valid.size for i in pool])
                self.pools[family] = (weight, pool, area / area.sum())
        if not self.pools:
            raise InvalidArgument(
                f"no image to train on: the recipe draws from {sorted(recipe.weighted)}, and of those none has "
                f"{min(size, SMALLEST_PX)} pixels on both sides and lies outside dev_groups"
            )
        weights = np.array([w for w, _, _ in self.pools.values()])
        self.family_weights = weights / weights.sum()

    def patch(self) -> np.ndarray:
        """Levels (patch, patch) in dB; at least 90 % valid where such a patch is found in a few tries."""
        _, pool, p = list(self.pools.values())[self.rng.choice(len(self.pools), p=self.family_weights)]
        size = self.recipe.patch_px
        for _ in range(TRIES):
            image = pool[self.rng.choice(len(pool), p=p)]
            row, col = (self.rng.integers(n - size + 1) for n in image.level_db.shape)
            window = np.s_[row : row + size, col : col + size]
            if image.valid[window].mean() >= ENOUGH_VALID:
                break
        level = image.level_db[window]
        return self.varied(self.smoothed(level) if self.rng.random() < self.recipe.smooth_share else level)

    def smoothed(self, level_db: np.ndarray) -> np.ndarray:
        """What users have who multilook before they compress: power averaged over 3 to 15 pixels; now and then a plain ramp."""
        if self.rng.random() < FLAT_SHARE:
            along, across = np.meshgrid(*(np.linspace(-1, 1, n) for n in level_db.shape), indexing="ij")
            rise, fall = self.rng.normal(0, 8, 2) * self.rng.integers(0, 2)
            return level_db.mean() + rise * along + fall * across
        return 10 * np.log10(uniform_mean(10 ** (level_db / 10), int(self.rng.choice((3, 5, 7, 11, 15)))))

    def varied(self, x: np.ndarray) -> np.ndarray:
        """Flipped, turned, now and then of another contrast; less its mean give or take 5 dB, as a tile's differs from
        its band's."""
        rng = self.rng
        x = x[:: rng.choice((-1, 1)), :: rng.choice((-1, 1))]
        x = x.T if rng.random() < 0.25 else x
        mean = x.mean()
        contrast = rng.uniform(0.85, 1.15) if rng.random() < 0.3 else 1.0
        return (x - mean) * contrast + rng.normal(0, 5)

    def steps(self, count: int) -> np.ndarray:
        """Step indices (count,), most of them within the recipe's focus."""
        low, high = self.recipe.focus
        focused = self.rng.random(count) < self.recipe.focus_share
        return np.where(focused, self.rng.integers(low, high, count), self.rng.integers(0, STEP_INDICES, count))

    def batch(self) -> tuple[torch.Tensor, torch.Tensor]:
        """Levels (batch, 1, patch, patch) less an offset of about their mean, and step indices (batch,)."""
        x = np.stack([self.patch() for _ in range(self.recipe.batch)])[:, None].astype(np.float32)
        return torch.from_numpy(np.ascontiguousarray(x)), torch.from_numpy(self.steps(len(x)))


def uniform_mean(power: np.ndarray, size: int) -> np.ndarray:
    """Mean over size x size pixels, size odd, mirrored at the edges."""
    for axis in (0, 1):
        grow = [(size // 2 + 1, size // 2) if a == axis else (0, 0) for a in (0, 1)]
        sums = np.cumsum(np.pad(power, grow, "symmetric"), axis=axis, dtype=np.float64)
        power = np.diff(
            sums.take((range(0, sums.shape[axis] - size), range(size, sums.shape[axis])), axis=axis), axis=axis
        )
        power = power.squeeze(axis) / size
    return np.maximum(power, 1e-30)


def mirrored(image: Image, size: int) -> Image:
    """An image smaller than a patch, continued by reflection."""
    grow = [(0, max(0, size - n)) for n in image.level_db.shape]
    level, valid = (np.pad(a, grow, "symmetric") for a in (image.level_db, image.valid))
    return Image(level, valid, image.family, image.group)


def dev_patches(images: list[Image], size: int = 256) -> list[torch.Tensor]:
    """The centre of each development image, less its mean: (1, 1, size, size) with sides cut to multiples of 64."""
    out = []
    for image in images:
        rows, cols = (min(n, size) // GRID_PX * GRID_PX for n in image.level_db.shape)
        if min(rows, cols) < GRID_PX:
            continue
        top, left = ((n - m) // 2 for n, m in zip(image.level_db.shape, (rows, cols)))
        x = image.level_db[top : top + rows, left : left + cols]
        out.append(torch.from_numpy((x - x.mean()).astype(np.float32))[None, None])
    return out
