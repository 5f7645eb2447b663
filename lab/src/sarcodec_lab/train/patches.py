"""Training patches: levels in dB cut from real and simulated images, split by place. In: folders; out: tensors."""

import csv
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from sarcodec.errors import InvalidArgument, SarcodecError, UnsupportedScene
from sarcodec.raster import geotiff
from sarcodec.raster.meaning import BandMeaning, scene_meaning
from sarcodec.signal import filling, radiometry
from sarcodec_lab.train.recipe import GRID_PX, STEP_INDICES, Recipe

ENOUGH_VALID = 0.9
SMALLEST_PX = 100  # smaller images are left out, larger ones continued by reflection up to a patch
FLAT_SHARE = 0.15
TRIES = 20
HALO_PX = 32
EDGE_SHARE = 0.25
SAME_STEP_SHARE = 0.8
_COLUMNS = {"file", "split", "family", "group"}


@dataclass(frozen=True, eq=False)
class Image:
    """One band: levels in dB (rows, cols), invalid pixels filled, the valid mask, its family and its place's group.

    scene: the same for the bands of one scene, which lie pixel on pixel; "" for a band that is alone.
    """

    level_db: np.ndarray
    valid: np.ndarray
    family: str
    group: str
    scene: str = ""


@dataclass(frozen=True, eq=False)
class Batch:
    """What one training step sees. levels (B, 1, patch + 64, patch + 64) in dB less an offset, a block of halo around, 0 outside
    the scene; inner (B, 4) bool: sides beyond which the scene goes on (top, bottom, left, right); steps (B,): step indices;
    paired (B / 2,): 1 where sample B / 2 + i is another band of the place of sample i, else 0."""

    levels: torch.Tensor
    inner: torch.Tensor
    steps: torch.Tensor
    paired: torch.Tensor


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
    meanings = scene_meaning(info, [band.reshape(-1) for band in pixels], [None] * info.count)
    others = [
        f"band {number} {meaning.why}" for number, meaning in enumerate(meanings, 1) if not _is_amplitude(meaning)
    ]
    if others:
        raise UnsupportedScene(f"its pixels are not all amplitude (DN): {others[0]}; convert it")
    images = []
    for band, meaning in zip(pixels, meanings, strict=True):
        level, valid = radiometry.normalise(band, meaning.measure)
        if valid.mean() > 0.5:
            images.append(Image(filling.fill_invalid(level, valid), valid, family, group, str(path)))
    return images


def _is_amplitude(meaning: BandMeaning) -> bool:
    return meaning.measure is not None and meaning.measure.domain == "amplitude"


def read_native(folder: Path, scenes: list[str]) -> list[Image]:
    """Bands under simulated native speckle: every SOURCE-COPY.npy of levels in dB in a folder (made by `train.native`); scenes: of
    each source."""
    images = []
    for path in sorted(Path(folder).glob("*-*.npy")):
        number, copy = map(int, path.stem.split("-"))
        level = np.load(path).astype(np.float32)
        scene = scenes[number] and f"{scenes[number]} copy {copy}"
        images.append(Image(level, np.ones(level.shape, bool), "native", "simulated", scene))
    return images


class PatchSource:
    """Random patches by family weight, then by the square root of an image's area; in couples, mostly of two
    bands of one place; flips, turns, contrast.

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
        self.scenes = {}
        for image in (i for _, pool, _ in self.pools.values() for i in pool if i.scene):
            self.scenes.setdefault(image.scene, []).append(image)
        weights = np.array([w for w, _, _ in self.pools.values()])
        self.family_weights = weights / weights.sum()

    def place(self) -> tuple[Image, Image | None, int, int]:
        """An image, another band of its scene if there is one, and a corner; at least 90 % valid if found in a few tries."""
        _, pool, p = list(self.pools.values())[self.rng.choice(len(self.pools), p=self.family_weights)]
        size = self.recipe.patch_px
        for _ in range(TRIES):
            image = pool[self.rng.choice(len(pool), p=p)]
            row, col = (self.rng.integers(n - size + 1) for n in image.level_db.shape)
            if image.valid[row : row + size, col : col + size].mean() >= ENOUGH_VALID:
                break
        others = [i for i in self.scenes.get(image.scene, ()) if i is not image]
        return image, others[self.rng.integers(len(others))] if others else None, int(row), int(col)

    def couple(self) -> tuple[list[np.ndarray], list[np.ndarray], bool]:
        """Two canvases and the inner sides of each: of two bands of one place, or of two places (False)."""
        image, other, row, col = self.place()
        first = self.cut(image, row, col, self.sides(image, row, col))
        turn = self.turn()
        if other is not None:
            second, second_turn = self.cut(other, row, col, first[1]), turn
        else:
            image, _, row, col = self.place()
            second, second_turn = self.cut(image, row, col, self.sides(image, row, col)), self.turn()
        (a, sides_a), (b, sides_b) = turned(*first, *turn), turned(*second, *second_turn)
        return [a, b], [sides_a, sides_b], other is not None

    def sides(self, image: Image, row: int, col: int) -> np.ndarray:
        """Where the image goes on by a block; now and then an edge is made of what is none."""
        size, (rows, cols) = self.recipe.patch_px, image.level_db.shape
        room = np.array([row, rows - row - size, col, cols - col - size])
        return (room >= HALO_PX) & (self.rng.random(4) >= EDGE_SHARE)

    def cut(self, image: Image, row: int, col: int, sides: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The canvas of a patch, varied, 0 beyond its edges, and its sides."""
        size, (top, bottom, left, right) = self.recipe.patch_px, HALO_PX * sides
        level = image.level_db[row - top : row + size + bottom, col - left : col + size + right]
        level = self.smoothed(level) if self.rng.random() < self.recipe.smooth_share else level
        canvas = np.zeros((size + 2 * HALO_PX,) * 2, np.float32)
        canvas[HALO_PX - top : HALO_PX + size + bottom, HALO_PX - left : HALO_PX + size + right] = self.varied(level)
        return canvas, sides

    def turn(self) -> tuple[bool, bool, bool]:
        """Flip rows, flip columns, exchange the axes."""
        rng = self.rng
        return bool(rng.integers(2)), bool(rng.integers(2)), bool(rng.random() < 0.25)

    def smoothed(self, level_db: np.ndarray) -> np.ndarray:
        """What users have who multilook before they compress: power averaged over 3 to 15 pixels; now and then a plain ramp."""
        if self.rng.random() < FLAT_SHARE:
            along, across = np.meshgrid(*(np.linspace(-1, 1, n) for n in level_db.shape), indexing="ij")
            rise, fall = self.rng.normal(0, 8, 2) * self.rng.integers(0, 2)
            return level_db.mean() + rise * along + fall * across
        return 10 * np.log10(uniform_mean(10 ** (level_db / 10), int(self.rng.choice((3, 5, 7, 11, 15)))))

    def varied(self, x: np.ndarray) -> np.ndarray:
        """Now and then of another contrast; less its mean give or take 5 dB, as a tile's differs from its band's."""
        contrast = self.rng.uniform(0.85, 1.15) if self.rng.random() < 0.3 else 1.0
        return (x - x.mean()) * contrast + self.rng.normal(0, 5)

    def steps(self, count: int) -> np.ndarray:
        """Step indices (count,), most of them within the recipe's focus."""
        low, high = self.recipe.focus
        focused = self.rng.random(count) < self.recipe.focus_share
        return np.where(focused, self.rng.integers(low, high, count), self.rng.integers(0, STEP_INDICES, count))

    def batch(self) -> Batch:
        """Couples of patches: the first of each, then the second of each; mostly with one step index a couple."""
        couples = [self.couple() for _ in range(self.recipe.batch // 2)]
        levels, sides = (np.stack([c[k][b] for b in (0, 1) for c in couples]) for k in (0, 1))
        steps = self.steps(len(levels))
        same = np.arange(len(couples))[self.rng.random(len(couples)) < SAME_STEP_SHARE]
        steps[len(couples) + same] = steps[same]
        paired = np.array([c[2] for c in couples], np.float32)
        return Batch(*map(torch.from_numpy, (levels[:, None], sides, steps, paired)))


def turned(canvas: np.ndarray, sides: np.ndarray, rows: bool, cols: bool, exchange: bool):
    """A canvas and its inner sides flipped and turned."""
    top, bottom, left, right = sides
    if rows:
        canvas, top, bottom = canvas[::-1], bottom, top
    if cols:
        canvas, left, right = canvas[:, ::-1], right, left
    if exchange:
        canvas, top, bottom, left, right = canvas.T, left, right, top, bottom
    return np.ascontiguousarray(canvas), np.array([top, bottom, left, right])


def uniform_mean(power: np.ndarray, size: int) -> np.ndarray:
    """Mean over size x size pixels, size odd, mirrored at the edges."""
    for axis in (0, 1):
        grow = [(size // 2 + 1, size // 2) if a == axis else (0, 0) for a in (0, 1)]
        sums = np.cumsum(np.pad(power, grow, "symmetric"), axis=axis, dtype=np.float64)
        power = np.diff(
            sums.take((range(sums.shape[axis] - size), range(size, sums.shape[axis])), axis=axis), axis=axis
        )
        power = power.squeeze(axis) / size
    return np.maximum(power, 1e-30)


def mirrored(image: Image, size: int) -> Image:
    """An image smaller than a patch, continued by reflection."""
    grow = [(0, max(0, size - n)) for n in image.level_db.shape]
    level, valid = (np.pad(a, grow, "symmetric") for a in (image.level_db, image.valid))
    return Image(level, valid, image.family, image.group, image.scene)


def dev_patches(images: list[Image], size: int = 256) -> list[torch.Tensor]:
    """The centre of each development scene, all edges, each band less its mean: (bands, 1, rows + 64, cols + 64) with the sides
    of the centre cut to multiples of 64."""
    scenes, out = {}, []
    for number, image in enumerate(images):
        scenes.setdefault(image.scene or number, []).append(image)
    for bands in scenes.values():
        shape = bands[0].level_db.shape
        rows, cols = (min(n, size) // GRID_PX * GRID_PX for n in shape)
        if min(rows, cols) < GRID_PX:
            continue
        top, left = ((n - m) // 2 for n, m in zip(shape, (rows, cols)))
        x = np.stack([b.level_db[top : top + rows, left : left + cols] for b in bands]).astype(np.float32)
        x = torch.from_numpy(x - x.mean((1, 2), keepdims=True))[:, None]
        out.append(torch.nn.functional.pad(x, (HALO_PX,) * 4))
    return out
