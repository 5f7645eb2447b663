"""Random crops in the unit scale of the study's autoencoders. In: training images; out: tensors (B, 1, side, side)."""

from dataclasses import dataclass

import numpy as np
import torch

from sarcodec.errors import InvalidArgument
from sarcodec_lab.train.autoencoders.recipe import AutoencoderRecipe
from sarcodec_lab.train.patches import Image, PatchSource

OFFSET_JITTER_DB = 3.0
DEV_PX = 256


@dataclass(frozen=True)
class _Cut:
    """What `PatchSource` asks of a recipe."""

    patch_px: int
    families: tuple
    seed: int

    @property
    def weighted(self) -> frozenset[str]:
        return frozenset(family for family, weight in self.families if weight > 0)


def subset(images: list[Image], share: float, seed: int) -> list[Image]:
    """A share of the places, rounded up in each family, the same for a seed."""
    rng, kept = np.random.default_rng([seed, 20]), []
    for family in sorted({i.family for i in images}):
        groups = sorted({i.group for i in images if i.family == family})
        chosen = {groups[k] for k in rng.permutation(len(groups))[: -(-len(groups) * share // 1).__int__()]}
        kept += [i for i in images if i.family == family and i.group in chosen]
    return kept


class CropSource:
    """Batches of crops of any side: by family weight, flipped and turned, the mean level moved by a few dB where the scale is centred.

    Raises InvalidArgument when no image can be drawn from.
    """

    def __init__(self, images: list[Image], recipe: AutoencoderRecipe, stream: int = 0):
        self.recipe, self.images = recipe, images
        self.rng = np.random.default_rng([recipe.seed, stream])
        self.offset_db = {id(i): float(i.level_db[i.valid].mean()) for i in images}
        self._sources: dict[int, PatchSource] = {}
        self._source(recipe.crop_px(0))

    def _source(self, side: int) -> PatchSource:
        if side not in self._sources:
            source = PatchSource(self.images, _Cut(side, self.recipe.families, self.recipe.seed))
            source.rng = self.rng
            for _, pool, _ in source.pools.values():  # images smaller than a crop are continued by reflection there
                for image in pool:
                    self.offset_db.setdefault(id(image), float(image.level_db[image.valid].mean()))
            self._sources[side] = source
        return self._sources[side]

    def crop(self, side: int) -> np.ndarray:
        """One crop (side, side) float32."""
        source = self._source(side)
        image, _, row, col = source.place()
        level = image.level_db[row : row + side, col : col + side]
        rows, cols, exchange = source.turn()
        level = level[:: -1 if rows else 1, :: -1 if cols else 1]
        level = level.T if exchange else level
        offset = self.offset_db[id(image)] + self.rng.normal(0, OFFSET_JITTER_DB)
        return np.ascontiguousarray(self.recipe.scale.to_unit(level, offset), np.float32)

    def batch(self, number: int) -> torch.Tensor:
        """The crops of a batch, counted from 0."""
        side = self.recipe.crop_px(number)
        return torch.from_numpy(np.stack([self.crop(side) for _ in range(self.recipe.batch)])[:, None])


def dev_crops(images: list[Image], recipe: AutoencoderRecipe) -> torch.Tensor:
    """The centre of every band of the development places (n, 1, 256, 256) in the recipe's scale.

    Raises InvalidArgument when there is none of that size: nothing could say when to stop.
    """
    crops = []
    for image in images:
        if min(image.level_db.shape) >= DEV_PX:
            top, left = ((n - DEV_PX) // 2 for n in image.level_db.shape)
            level = image.level_db[top : top + DEV_PX, left : left + DEV_PX]
            crops.append(recipe.scale.to_unit(level, float(image.level_db[image.valid].mean())))
    if not crops:
        raise InvalidArgument(
            f"no image of dev_groups {list(recipe.dev_groups)} has {DEV_PX} pixels on both sides; name larger places"
        )
    return torch.from_numpy(np.stack(crops)[:, None].astype(np.float32))
