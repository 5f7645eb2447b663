"""What the best weights of a run make of the development places, with latents rounded as a file would hold them.

In: a run's folder, a recipe, images; out: levels in dB and figures of each crop. Trains nothing.
"""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch

from sarcodec.errors import InvalidArgument
from sarcodec_lab.figures.study_metrics import psnr_study
from sarcodec_lab.networks.autoencoders import REDUCTION_PX, Autoencoder
from sarcodec_lab.train.autoencoders.crops import DEV_PX
from sarcodec_lab.train.autoencoders.keeping import read_best
from sarcodec_lab.train.autoencoders.objective import gaussian_bits
from sarcodec_lab.train.autoencoders.recipe import AutoencoderRecipe
from sarcodec_lab.train.images import training_images
from sarcodec_lab.train.patches import Image


@dataclass(frozen=True, eq=False)
class Crop:
    """The centre of a band (from 1) of a development place, levels in dB with invalid pixels filled; offset_db: the whole
    band's mean level; guide_db: the next band there, None if there is none."""

    place: str
    band: int
    level_db: np.ndarray
    valid: np.ndarray
    offset_db: float
    guide_db: np.ndarray | None

    @property
    def dn(self) -> np.ndarray:
        """Amplitudes, 0 where invalid."""
        return self.to_dn(self.level_db)

    def to_dn(self, level_db: np.ndarray) -> np.ndarray:
        """Amplitudes of other levels of this crop."""
        return np.where(self.valid, 10 ** (level_db / 20), 0).astype(np.float32)

    @property
    def guide_dn(self) -> np.ndarray | None:
        return None if self.guide_db is None else self.to_dn(self.guide_db)


@dataclass(frozen=True, eq=False)
class Trained:
    """The best weights of a run, for evaluation; steps: of the quantiser, one for each latent channel."""

    recipe: AutoencoderRecipe
    network: Autoencoder
    batch: int
    steps: tuple[float, ...]

    @torch.inference_mode()
    def decoded(self, crop: Crop, multipliers: tuple[float, ...] = (1.0,)) -> list["Decoded"]:
        """What comes back of a crop at multiples of the steps."""
        unit = self.recipe.scale.to_unit(crop.level_db, crop.offset_db).astype(np.float32)
        latent = self.network.encoder(torch.from_numpy(unit)[None, None])
        steps = torch.tensor(self.steps).view(1, -1, 1, 1)
        return [self._back(crop, latent, steps * multiplier) for multiplier in multipliers]

    def _back(self, crop: Crop, latent: torch.Tensor, steps: torch.Tensor) -> "Decoded":
        back = self.network.decoder(torch.round(latent / steps) * steps)[0, 0].numpy()
        level = self.recipe.scale.to_level(back, crop.offset_db)
        bits = gaussian_bits(latent / steps).item() * latent.shape[1] / REDUCTION_PX**2
        rmse_db = float(np.sqrt(np.mean((level - crop.level_db)[crop.valid] ** 2)))
        return Decoded(level, bits, psnr_study(crop.dn, crop.to_dn(level))[0], rmse_db)


@dataclass(frozen=True, eq=False)
class Decoded:
    """Levels that came back; bits a pixel as training estimates them (a Gaussian for each channel, no file); errors."""

    level_db: np.ndarray
    bits_per_pixel: float
    psnr_db: float
    rmse_db: float


def load_trained(run: str | Path) -> Trained:
    """The best weights of a run, with the quantiser step of its training for all channels.

    Raises InvalidArgument when the run was never judged.
    """
    best = read_best(Path(run))
    network = Autoencoder(best.recipe.shape)
    network.load_state_dict(best.weights)
    return Trained(best.recipe, network.eval(), best.batch, (best.step,) * best.recipe.latent_channels)


def development_crops(recipe: AutoencoderRecipe, data: str | Path | None) -> list[Crop]:
    """The crops that training is judged on, in its order. data None: of simulated scenes.

    Raises InvalidArgument when there is none.
    """
    # Native speckle is never drawn over development places: no need to make it here.
    kept = tuple(pair for pair in recipe.families if pair[0] != "native") if data else (("simulated", 1.0),)
    images = training_images(replace(recipe, families=kept), data, Path(), lambda line: None)
    crops = crops_of([image for image in images if image.group in recipe.dev_groups])
    if not crops:
        raise InvalidArgument(f"no image of dev_groups {list(recipe.dev_groups)} has {DEV_PX} pixels on both sides")
    return crops


def crops_of(images: list[Image]) -> list[Crop]:
    """The centre of every band that is large enough."""
    crops = []
    for image in images:
        if min(image.level_db.shape) >= DEV_PX:
            scene = [other for other in images if other is image or (image.scene and other.scene == image.scene)]
            number = next(n for n, other in enumerate(scene) if other is image)
            guide = _centre(scene[(number + 1) % len(scene)].level_db) if len(scene) > 1 else None
            offset = float(image.level_db[image.valid].mean())
            crops.append(Crop(image.group, number + 1, _centre(image.level_db), _centre(image.valid), offset, guide))
    return crops


def _centre(pixels: np.ndarray) -> np.ndarray:
    top, left = ((n - DEV_PX) // 2 for n in pixels.shape)
    return pixels[top : top + DEV_PX, left : left + DEV_PX]
