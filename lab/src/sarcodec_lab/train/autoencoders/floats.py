"""Networks as transforms of amplitudes, latents as float numbers: for the study's table and for pictures. In: a folder; out: a function."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch.nn import functional as F

from sarcodec_lab.networks.autoencoders import Autoencoder
from sarcodec_lab.networks.autoencoders.published import load
from sarcodec_lab.networks.levels import Scale, scale_of
from sarcodec_lab.train.autoencoders.keeping import BEST, read_best
from sarcodec_lab.train.autoencoders.objective import ssim, study_loss


@dataclass(frozen=True, eq=False)
class Seen:
    """A network in evaluation mode, and the scale that it sees; name: of the run or model, and its batches."""

    name: str
    network: Autoencoder
    scale: Scale

    @torch.inference_mode()
    def __call__(self, dn: np.ndarray) -> np.ndarray:
        """Amplitudes (rows, cols) that come back of a tile; a DN below 1 counts as 1. Sides are multiples of 16."""
        level = 20 * np.log10(np.maximum(dn, 1.0))
        offset = float(level.mean())
        unit = self.scale.to_unit(level, offset).astype(np.float32)
        out = self.network(torch.from_numpy(unit)[None, None].contiguous(memory_format=torch.channels_last))[0]
        return 10 ** (self.scale.to_level(out.numpy()[0, 0].astype(np.float64), offset) / 20)


@torch.no_grad()
def development_figures(back: Callable[[torch.Tensor], torch.Tensor], dev: torch.Tensor) -> dict[str, float]:
    """The study's loss, MSE and SSIM of what comes back of development crops (n, 1, h, w), means over the crops."""
    pairs = [(back(one).clamp(0, 1), one) for one in dev.split(1)]
    totals = [(study_loss(a, b), F.mse_loss(a, b), ssim(a, b)) for a, b in pairs]
    means = torch.tensor(totals).mean(0).tolist()
    return dict(zip(("loss", "mse", "ssim"), means, strict=True))


def network_of(folder: str | Path) -> Seen:
    """The best weights of a run of `sarcodec train`, or a model of `sarcodec publish`.

    Raises InvalidArgument where a run cannot be read, UnknownModel where the folder holds neither, ModelError where a model is damaged.
    """
    folder = Path(folder)
    if (folder / BEST).exists():
        best = read_best(folder)
        network = Autoencoder(best.recipe.shape)
        network.load_state_dict(best.weights)
        return Seen(f"{folder.name}, {best.batch} batches", network.eval(), best.recipe.scale)
    model = load(folder)
    return Seen(f"{model.id}, {model.card['batches']} batches", model.network, scale_of(model.card["range"]))
