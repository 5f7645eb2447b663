"""Training patches: levels in dB cut from real and simulated images, split by place. In: folders; out: float32 tensors."""
import csv
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from sarcodec.errors import InvalidArgument
from sarcodec.raster.geotiff import read_array
from sarcodec.raster.radiometry import fill_invalid, normalise

from .recipe import Recipe

ENOUGH_VALID = 0.9


@dataclass(frozen=True)
class Image:
    """One band: levels in dB with invalid pixels filled, the valid mask, where it comes from."""

    level_db: np.ndarray
    valid: np.ndarray
    family: str
    group: str


def read_images(data: Path, split: str = "train") -> list[Image]:
    """Every band of the rasters that DATA/index.csv lists for a split."""
    with open(data / "index.csv", newline="") as f:
        rows = [r for r in csv.DictReader(f) if r["split"] == split and r["file"].endswith(".tif")]
    if not rows:
        raise InvalidArgument(f"{data}/index.csv lists no .tif of split {split!r}")
    images = []
    for row in rows:
        for band in read_array(data / row["file"])[0]:
            level, valid = normalise(band, "amplitude", 0.0)
            if valid.mean() > 0.5:
                images.append(Image(fill_invalid(level, valid), valid, row["family"], row["group"]))
    return images


def read_native(folder: Path) -> list[Image]:
    """Simulated native-like bands: every .npy of levels in dB in a folder (made by `train.native`)."""
    found = [np.load(p).astype(np.float32) for p in sorted(folder.glob("*.npy"))]
    return [Image(level, np.ones(level.shape, bool), "native", "simulated") for level in found]


class PatchSource:
    """Random patches by family weight, then by the square root of an image's area; flips, turns, contrast."""

    def __init__(self, images: list[Image], recipe: Recipe):
        self.recipe, self.rng = recipe, np.random.default_rng(recipe.seed)
        big = [i for i in images if min(i.level_db.shape) >= recipe.patch_px]
        small = [mirrored(i, recipe.patch_px) for i in images if 100 <= min(i.level_db.shape) < recipe.patch_px]
        self.pools = {}
        for family, weight in recipe.families:
            pool = [i for i in big + small if i.family == family]
            if pool and weight > 0:
                area = np.sqrt([i.valid.size for i in pool])
                self.pools[family] = (weight, pool, area / area.sum())
        weights = np.array([w for w, _, _ in self.pools.values()])
        self.family_weights = weights / weights.sum()

    def patch(self) -> np.ndarray:
        _, pool, p = list(self.pools.values())[self.rng.choice(len(self.pools), p=self.family_weights)]
        size = self.recipe.patch_px
        for _ in range(20):
            image = pool[self.rng.choice(len(pool), p=p)]
            row, col = (self.rng.integers(n - size + 1) for n in image.level_db.shape)
            window = np.s_[row:row + size, col:col + size]
            if image.valid[window].mean() >= ENOUGH_VALID:
                break
        return self.varied(image.level_db[window])

    def varied(self, x: np.ndarray) -> np.ndarray:
        rng = self.rng
        x = x[::rng.choice((-1, 1)), ::rng.choice((-1, 1))]
        x = x.T if rng.random() < 0.25 else x
        mean = x.mean()
        contrast = rng.uniform(0.85, 1.15) if rng.random() < 0.3 else 1.0
        return (x - mean) * contrast + rng.normal(0, 5)

    def steps(self, count: int) -> np.ndarray:
        low, high = self.recipe.focus
        focused = self.rng.random(count) < self.recipe.focus_share
        return np.where(focused, self.rng.integers(low, high, count), self.rng.integers(0, 640, count))

    def batch(self) -> tuple[torch.Tensor, torch.Tensor]:
        """Levels (batch, 1, patch, patch) less an offset of about their mean, and step indices (batch,)."""
        x = np.stack([self.patch() for _ in range(self.recipe.batch)])[:, None].astype(np.float32)
        return torch.from_numpy(np.ascontiguousarray(x)), torch.from_numpy(self.steps(len(x)))


def mirrored(image: Image, size: int) -> Image:
    """An image smaller than a patch, continued by reflection."""
    grow = [(0, max(0, size - n)) for n in image.level_db.shape]
    return Image(np.pad(image.level_db, grow, "symmetric"), np.pad(image.valid, grow, "symmetric"), image.family, image.group)


def dev_patches(images: list[Image], size: int = 256) -> list[torch.Tensor]:
    """The centre of each development image, less its mean: (1, 1, size, size) with sides cut to multiples of 64."""
    out = []
    for image in images:
        rows, cols = (min(n, size) // 64 * 64 for n in image.level_db.shape)
        if min(rows, cols) < 64:
            continue
        top, left = ((n - m) // 2 for n, m in zip(image.level_db.shape, (rows, cols)))
        x = image.level_db[top:top + rows, left:left + cols]
        out.append(torch.from_numpy((x - x.mean()).astype(np.float32))[None, None])
    return out
