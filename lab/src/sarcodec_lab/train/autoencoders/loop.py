"""The loop of the study: schedule, optimiser, when to judge, to keep and to stop. In: images, a recipe; out: a run's folder."""

import math
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

from sarcodec.errors import InvalidArgument, SarcodecError
from sarcodec_lab.networks.autoencoders import Autoencoder
from sarcodec_lab.train.autoencoders.crops import CropSource, dev_crops, subset
from sarcodec_lab.train.autoencoders.grafting import freeze_all_but_latent, start_from
from sarcodec_lab.train.autoencoders.keeping import LAST, State, read_state, write_best, write_state
from sarcodec_lab.train.autoencoders.objective import FINE_STEPS, coarser, loss_of, natural_step, rounding
from sarcodec_lab.train.autoencoders.recipe import AutoencoderRecipe
from sarcodec_lab.train.device import chosen_device, compiled, memory_layout
from sarcodec_lab.train.patches import Image

REPORT_EVERY = 10
PLATEAU_FACTOR, PLATEAU_PATIENCE = 0.5, 3
REWARM_BATCHES = 20
FINAL_SHARE = 0.02
DEV_STEP_CROPS = 4
Report = Callable[[str], None]


def cosine_rate(recipe: AutoencoderRecipe, batch: int) -> float:
    """Linear warm-up, then a cosine down to a fiftieth of the rate."""
    if batch < recipe.warmup_batches:
        return recipe.learning_rate * (batch + 1) / recipe.warmup_batches
    part = min(1.0, (batch - recipe.warmup_batches) / max(1, recipe.total_batches - recipe.warmup_batches))
    return recipe.learning_rate * (FINAL_SHARE + (1 - FINAL_SHARE) * 0.5 * (1 + math.cos(math.pi * part)))


def wants_bfloat16(precision: str, device: torch.device) -> bool:
    """'auto' is bfloat16 on CUDA and on processors with matrix units for it: others take twice as long with it as in float32."""
    if precision == "auto":
        return device.type == "cuda" or torch.cpu._is_amx_tile_supported()
    return precision == "bfloat16"


class StudyTrainer:
    """One run in one folder (`keeping` says what lies in it). Deterministic on one machine, thread count and torch.

    Raises InvalidArgument when there is nothing to train on, to resume from or to start from.
    """

    def __init__(
        self, recipe: AutoencoderRecipe, images: list[Image], folder: Path, resume: bool = False, report: Report = print
    ):
        self.recipe, self.folder, self.report = recipe, Path(folder), report
        self.folder.mkdir(parents=True, exist_ok=True)
        torch.manual_seed(recipe.seed)
        self.device = chosen_device(recipe.device)
        apart = set(recipe.dev_groups)
        self.source = CropSource(
            subset([i for i in images if i.group not in apart], recipe.train_subset, recipe.seed), recipe
        )
        self.dev = dev_crops([i for i in images if i.group in apart], recipe).to(self.device)
        self.network = Autoencoder(recipe.shape)
        self.batch, self.best, self.best_batch, self.rate_factor, self.waited = 0, math.inf, 0, 1.0, 0
        self.began_at, self.step = 0, 1.0
        if resume:
            self._load()
        elif recipe.start_from:
            start_from(self.network, recipe.start_from)
        elif recipe.calm_start:
            self.network.calm()
        if recipe.spare_memory:
            self.network.spare_memory()
        self.layout = memory_layout(self.network.shape.base_width)
        self.network.to(self.device, memory_format=self.layout)
        if not resume and recipe.objective == "rate-distortion":
            first = self.source.batch(0).to(self.device)
            self.step = recipe.latent_step or natural_step(self.network, first, recipe.steps_a_deviation)
        if recipe.tuned == "latent":
            freeze_all_but_latent(self.network)
        self.fast = compiled(self.network, report) if recipe.compile else self.network
        self.tuned = [p for p in self.network.parameters() if p.requires_grad]
        self.optimiser = torch.optim.Adam(self._groups(), lr=recipe.learning_rate, fused=True)

    def _groups(self) -> list[dict]:
        """All that is tuned; gates apart, since they may have another rate."""
        gates, groups = set(self.network.gate_parameters()), {}
        for parameter in self.tuned:
            groups.setdefault(self.recipe.gate_rate if parameter in gates else 1.0, []).append(parameter)
        return [{"params": parameters, "factor": factor} for factor, parameters in groups.items()]

    def _load(self) -> None:
        state, weights = read_state(self.folder)
        try:
            self.network.load_state_dict(weights)
        except RuntimeError as error:
            raise InvalidArgument(
                f"{self.folder / LAST} is of another network ({error}); start anew under another name"
            ) from error
        self.batch, self.best, self.best_batch = state.batch, state.best, state.best_batch
        self.rate_factor, self.waited, self.began_at = state.rate_factor, state.waited, state.batch
        self.step = state.step
        # Streams of random numbers are not kept: a resumed run draws others, the same each time it resumes at this batch.
        self.source.rng.bit_generator.state = np.random.default_rng([self.recipe.seed, self.batch]).bit_generator.state
        torch.manual_seed(self.recipe.seed + self.batch)

    def save(self) -> None:
        """Keep the weights of now and where the run stands; moments are not kept, a resumed run warms them up."""
        state = State(self.batch, self.best, self.best_batch, self.rate_factor, self.waited, self.step)
        write_state(self.folder, state, self.network.state_dict(), self.recipe)

    def learning_rate(self) -> float:
        """Rate of the next batch; for some batches after a resumption it rises again, while the moments fill."""
        rate = cosine_rate(self.recipe, self.batch) if self.recipe.schedule == "cosine" else self._plateau_rate()
        since = self.batch - self.began_at
        return rate * min(1.0, (since + 1) / REWARM_BATCHES) if self.began_at else rate

    def _plateau_rate(self) -> float:
        warm = min(1.0, (self.batch + 1) / self.recipe.warmup_batches) if self.recipe.warmup_batches else 1.0
        return self.recipe.learning_rate * self.rate_factor * warm

    def train_batch(self) -> dict[str, float]:
        """One batch. Raises SarcodecError, and leaves the weights as they were, when loss or gradient is not finite."""
        x = self.source.batch(self.batch).to(self.device, memory_format=self.layout)
        for group in self.optimiser.param_groups:
            group["lr"] = self.learning_rate() * group["factor"]
        self._set_mode()
        with self.precision():
            loss, parts = loss_of(self.fast, x, self.recipe, self.step, coarser(self.recipe, self.source.rng))
        self._check_finite("loss", loss)
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()
        norm = torch.nn.utils.clip_grad_norm_(self.tuned, self.recipe.clip_norm)
        self._check_finite("gradient", norm)
        self.optimiser.step()
        self.batch += 1
        return {name: value.item() for name, value in parts.items()} | {"norm": norm.item()}

    def _set_mode(self) -> None:
        self.network.train()
        if self.recipe.norm_rests(self.batch):
            for module in self.network.modules():
                if isinstance(module, torch.nn.BatchNorm2d):
                    module.eval()

    def precision(self):
        """The context of a forward pass."""
        on = wants_bfloat16(self.recipe.precision, self.device)
        return torch.autocast(self.device.type, dtype=torch.bfloat16, enabled=on)

    def _check_finite(self, what: str, value: torch.Tensor) -> None:
        if torch.isfinite(value):
            return
        kept = self.folder / LAST
        advice = f"the last good checkpoint is {kept}" if kept.exists() else "no checkpoint was kept yet"
        raise SarcodecError(
            f"{what} is {value.item()} at batch {self.batch}, expected a finite number; {advice}: "
            "resume from it with a lower learning_rate, or look for broken images"
        )

    def run(
        self, board=None, stop: Callable[[], bool] = lambda: False, progress: Callable[[str], None] | None = None
    ) -> None:
        """Train to the end of the recipe, until patience ends or until `stop` says so. board: a StudyBoard, or None.

        progress: takes a line that stands for the last one (a progress bar), every batch.
        """
        began, first, seen = time.monotonic(), self.batch, []
        while self.batch < self.recipe.total_batches and not stop():
            seen.append(self.train_batch())
            pace = (self.batch - first) / (time.monotonic() - began)
            if progress:
                progress(progress_line(self.batch, self.recipe.total_batches, pace))
            last = self.batch == self.recipe.total_batches
            if self.batch % REPORT_EVERY == 0 or last:
                self._tell(seen, pace, board)
                seen = []
            if self.batch % self.recipe.judge_every == 0 or last:
                self.judge(board)
                self.save()
                if self._out_of_patience():
                    break
        self.save()

    def _tell(self, seen: list[dict[str, float]], pace: float, board) -> None:
        mean = {name: sum(s[name] for s in seen) / len(seen) for name in seen[0]}
        mean["learning_rate"] = self.learning_rate()
        left = (self.recipe.total_batches - self.batch) / pace / 60
        words = " ".join(f"{name} {value:.4g}" for name, value in mean.items())
        self.report(f"batch {self.batch} {pace:.2f}/s {left:.0f} min left {words}")
        if board:
            board.scalars("train", mean, self.batch)

    def judge(self, board=None) -> dict[str, float]:
        """Development loss; keeps the weights if they are the best so far and lowers the rate on a plateau."""
        self.network.eval()
        if self.recipe.objective == "study":
            self.step = natural_step(self.network, self.dev[:DEV_STEP_CROPS], FINE_STEPS)
        scores = judge(self.network, self.dev, self.recipe, self.precision, self.step)
        if scores["loss"] < self.best:
            self.best, self.best_batch, self.waited = scores["loss"], self.batch, 0
            write_best(self.folder, self.network.state_dict(), self.recipe, self.batch)
        else:
            self.waited += 1
            if self.waited % (PLATEAU_PATIENCE + 1) == 0:
                self.rate_factor *= PLATEAU_FACTOR
        words = " ".join(f"{name} {value:.4f}" for name, value in scores.items())
        self.report(f"dev at {self.batch}: {words}; best {self.best:.5f} at {self.best_batch}")
        if board:
            board.scalars("dev", scores, self.batch)
            board.pictures(self.network, self.dev, self.batch)
        return scores

    def _out_of_patience(self) -> bool:
        recipe = self.recipe
        if not recipe.patience or self.batch - self.best_batch < recipe.patience * recipe.epoch_batches:
            return False
        self.report(f"no better for {recipe.patience} epochs of {recipe.epoch_batches} batches: stopping")
        return True


def progress_line(batch: int, total: int, pace: float, width: int = 30) -> str:
    """A bar with batches a second and the time left."""
    full = round(width * batch / total)
    minutes, seconds = divmod(round((total - batch) / pace), 60)
    return f"[{'#' * full}{'.' * (width - full)}] {batch}/{total} {pace:.2f} batches/s {minutes}:{seconds:02d} left"


@torch.no_grad()
def judge(
    network: Autoencoder, dev: torch.Tensor, recipe: AutoencoderRecipe, precision: Callable, step: float = 1.0
) -> dict[str, float]:
    """The recipe's objective on development crops, with latents rounded if it has noise, averaged over the crops."""
    network.eval()
    totals: dict[str, float] = {}
    for x in dev.split(1):
        with precision(), rounding():
            _, parts = loss_of(network, x.contiguous(memory_format=torch.channels_last), recipe, step)
        for name, value in parts.items():
            totals[name] = totals.get(name, 0.0) + value.item() / len(dev)
    return totals
