"""The check before a long run: does this network learn within 50 batches? In: a trainer; out: figures and a sentence."""

from dataclasses import dataclass

import numpy as np
import torch

from sarcodec_lab.figures.study_metrics import study_figures
from sarcodec_lab.networks.levels import STUDY_HIGH_DB, STUDY_LOW_DB, Scale
from sarcodec_lab.train.autoencoders.loop import REPORT_EVERY, StudyTrainer, judge

BATCHES = 50
LEARNT = 0.9


@dataclass(frozen=True)
class QuickCheck:
    """The study's row after some batches, on development crops; the objective of the first and the last batches of training,
    and on development crops before and after."""

    batches: int
    psnr_db: float
    ssim: float
    enl_ratio: float
    epi: float
    first: float
    last: float
    dev_before: float
    dev_after: float

    @property
    def learns(self) -> bool:
        """Whether a tenth of the training objective has gone."""
        return self.last < LEARNT * self.first

    def __str__(self) -> str:
        return (
            f"after {self.batches} batches: PSNR {self.psnr_db:.2f} dB, SSIM {self.ssim:.3f}, ENL ratio {self.enl_ratio:.3f}, "
            f"EPI {self.epi:.3f} on the study's scale; training objective {self.first:.4f} at first, {self.last:.4f} at last; on "
            f"development places {self.dev_before:.4f} untrained, {self.dev_after:.4f} now: {self.verdict}"
        )

    @property
    def verdict(self) -> str:
        """What to make of it, in words."""
        if not self.learns:
            return "the network does not learn: look at the recipe before a long run"
        if self.dev_after < self.dev_before:
            return "the network learns"
        return (
            "the network learns its training crops, and is not yet better than untrained on development places "
            "(running statistics lag behind; an untrained network may give a flat picture, which is not bad)"
        )


def quick_check(trainer: StudyTrainer, batches: int = BATCHES) -> QuickCheck:
    """Train some batches, judge before and after. The trainer's folder keeps the state, as of any run."""
    before = _objective(trainer)
    losses = []
    for _ in range(batches):
        losses.append(trainer.train_batch()["loss"])
        if trainer.batch % REPORT_EVERY == 0:
            trainer.report(f"batch {trainer.batch}: objective {float(np.mean(losses[-REPORT_EVERY:])):.4f}")
    trainer.save()
    part = max(1, batches // 5)
    first, last = float(np.mean(losses[:part])), float(np.mean(losses[-part:]))
    return QuickCheck(trainer.batch, *study_row(trainer), first, last, before, _objective(trainer))


def _objective(trainer: StudyTrainer) -> float:
    return judge(trainer.network, trainer.dev, trainer.recipe, trainer.precision, trainer.step)["loss"]


@torch.inference_mode()
def study_row(trainer: StudyTrainer) -> tuple[float, float, float, float]:
    """Mean PSNR, SSIM, ENL ratio and EPI over the development crops, with latents as they are."""
    trainer.network.eval()
    found = []
    for x in trainer.dev.split(1):
        reconstruction = trainer.network(x.contiguous(memory_format=torch.channels_last))[0]
        pair = [_amplitude(t.float().cpu().numpy()[0, 0], trainer.recipe.scale) for t in (x, reconstruction)]
        found.append(study_figures(*pair))
    columns = zip(*((f.psnr_study, f.ssim_study, f.enl_ratio_log, f.epi_cosine) for f in found))
    return tuple(float(np.mean([v for v in column if v is not None] or [np.nan])) for column in columns)


def _amplitude(unit: np.ndarray, scale: Scale) -> np.ndarray:
    """DN; where the scale is relative to the band's mean, that lies in the middle of the study's range."""
    return 10 ** (scale.to_level(unit, (STUDY_LOW_DB + STUDY_HIGH_DB) / 2) / 20)
