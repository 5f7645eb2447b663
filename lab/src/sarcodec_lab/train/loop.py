"""The training loop: schedule, optimiser, moving average of the weights, when to judge, to keep and to stop."""

import math
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file

from sarcodec.errors import InvalidArgument, SarcodecError
from sarcodec_lab.networks.dct_codec import DctCodec
from sarcodec_lab.train.checkpoint import BEST, LAST, Checkpoint, read_checkpoint, write_checkpoint, write_tensors
from sarcodec_lab.train.device import chosen_device, compiled, mixed_precision
from sarcodec_lab.train.judging import Score, averaged, judge, side_by_side
from sarcodec_lab.train.lapping import autocovariances, fitted_rotation
from sarcodec_lab.train.loss import per_sample, relative_loss
from sarcodec_lab.train.patches import Image, PatchSource, dev_patches
from sarcodec_lab.train.recipe import Recipe

REPORT_EVERY = 50
ROTATION = "transform.rotation"
MAY_BE_NEW = (ROTATION, "context.from_reference.", "context.gain.")
Report = Callable[[str], None]


def learning_rate(recipe: Recipe, step: int) -> float:
    """Linear warm-up, then a cosine down to the final rate."""
    if step < recipe.warmup_steps:
        return recipe.learning_rate * (step + 1) / recipe.warmup_steps
    part = min(1.0, (step - recipe.warmup_steps) / max(1, recipe.steps - recipe.warmup_steps))
    low, high = recipe.final_learning_rate, recipe.learning_rate
    return low + (high - low) * 0.5 * (1 + math.cos(math.pi * part))


@torch.no_grad()
def typical_deviation(model: DctCodec, source: PatchSource, batches: int = 40) -> torch.Tensor:
    """Root mean square of each DCT coefficient over training patches (1024,), the constant one about its patch mean."""
    device, total = model.deviation.device, 0.0
    for _ in range(batches):
        batch = source.batch()
        x, inner = batch.levels.to(device), batch.inner.to(device)
        y = model.transform(x, inner)
        y = torch.cat([y[:, :1] - y[:, :1].mean((2, 3), keepdim=True), y[:, 1:]], 1)
        total = total + (y**2).mean((0, 2, 3))
    # A channel without any power has no scale; half a thousandth of a dB keeps its logarithm finite.
    return (total / batches).sqrt().clamp(min=5e-4)


class Trainer:
    """One run in one folder (`checkpoint` says what lies in it). Deterministic on one machine, thread count and torch.

    Raises InvalidArgument when there is nothing to train on, to resume from or to start from.
    """

    def __init__(self, recipe: Recipe, images: list[Image], folder: Path, resume: bool = False, report: Report = print):
        self.recipe, self.folder, self.report = recipe, Path(folder), report
        self.folder.mkdir(parents=True, exist_ok=True)
        torch.manual_seed(recipe.seed)
        self.device = chosen_device(recipe.device)
        self.source = PatchSource([i for i in images if i.group not in recipe.dev_groups], recipe)
        self.dev = [x.to(self.device) for x in dev_patches([i for i in images if i.group in recipe.dev_groups])]
        self.model = DctCodec().to(self.device, memory_format=torch.channels_last)
        self.fast = compiled(self.model, lambda line: self.report(line)) if recipe.compile else self.model
        self.optimiser = torch.optim.Adam(self.model.parameters(), lr=recipe.learning_rate, fused=True)
        self.step, self.best, self.best_step = 0, math.inf, 0
        if resume:
            self._load()
        else:
            self._start()

    def _start(self) -> None:
        missing = self._start_from() if self.recipe.start_from else None
        if missing is None or ROTATION in missing:
            self.model.transform.rotation.copy_(fitted_rotation(autocovariances(self.source)))
        if missing is None:
            self.model.deviation.copy_(typical_deviation(self.model, self.source))
        self.average = {k: v.detach().clone() for k, v in self.model.state_dict().items()}

    def _start_from(self) -> list[str]:
        """Load the recipe's weights; gives what they lack of what may be lacking: layers that begin silent, the lapping."""
        try:
            missing, unexpected = self.model.load_state_dict(load_file(self.recipe.start_from), strict=False)
        except (OSError, RuntimeError, SafetensorError) as error:
            raise InvalidArgument(
                f"cannot start from {self.recipe.start_from} ({error}); "
                "expected the best.safetensors of a run of this network"
            ) from error
        if unexpected or any(not name.startswith(MAY_BE_NEW) for name in missing):
            raise InvalidArgument(
                f"cannot start from {self.recipe.start_from}: it lacks {missing[:3]} and has {unexpected[:3]} too many; "
                "expected the best.safetensors of a run of this network"
            )
        return missing

    def _load(self) -> None:
        kept = read_checkpoint(self.folder)
        try:
            self.model.load_state_dict(kept.model)
        except RuntimeError as error:
            raise InvalidArgument(
                f"{self.folder / LAST} is of another network ({error}); start anew under another name"
            ) from error
        self.average = {k: v.to(self.device) for k, v in kept.average.items()}
        self.step, self.best, self.best_step = kept.step, kept.best, kept.best_step
        for name, parameter in self.model.named_parameters():
            if name in kept.moments:
                self.optimiser.state[parameter] = {k: _laid_as(parameter, v) for k, v in kept.moments[name].items()}
        # The streams of before are not kept: a resumed run draws others, the same each time it resumes at this step.
        fresh = np.random.SeedSequence([self.recipe.seed, self.step])
        self.source.rng = np.random.default_rng(fresh)
        torch.manual_seed(int(fresh.generate_state(1)[0]))

    def save(self) -> None:
        """Keep everything that a resumed run needs."""
        moments = {n: self.optimiser.state[p] for n, p in self.model.named_parameters() if p in self.optimiser.state}
        state = Checkpoint(self.model.state_dict(), self.average, moments, self.step, self.best, self.best_step)
        write_checkpoint(self.folder, state, self.recipe)

    def train_step(self) -> dict[str, float]:
        """One batch. Raises SarcodecError, and leaves the weights as they were, when loss or gradient is not finite."""
        batch = self.source.batch()
        x, s, inner, paired = (t.to(self.device) for t in (batch.levels, batch.steps, batch.inner, batch.paired))
        for group in self.optimiser.param_groups:
            group["lr"] = learning_rate(self.recipe, self.step)
        self.model.train()
        with mixed_precision(self.device):
            outcome = self.fast(x, s, inner, paired)
        rate, mse, cost = per_sample(outcome, s, self.recipe.rate_constant)
        loss = relative_loss(cost)
        self._check_finite("loss", loss)
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()
        norm = torch.nn.utils.clip_grad_norm_(self.model.parameters(), self.recipe.clip_norm)
        self._check_finite("gradient", norm)
        self.optimiser.step()
        self.step += 1
        self._follow()
        return {
            "log_cost": cost.log().mean().item(),
            "bpp": rate.mean().item(),
            "mse_db2": mse.mean().item(),
            "norm": norm.item(),
        }

    def _check_finite(self, what: str, value: torch.Tensor) -> None:
        if not torch.isfinite(value):
            kept = self.folder / LAST
            advice = f"the last good checkpoint is {kept}" if kept.exists() else "no checkpoint was kept yet"
            raise SarcodecError(
                f"{what} is {value.item()} at step {self.step}, expected a finite number; {advice}: "
                "resume from it with a lower learning_rate, or look for broken images"
            )

    @torch.no_grad()
    def _follow(self) -> None:
        """Move the average towards the weights; early on it forgets faster, so that the start does not linger."""
        keep = min(self.recipe.ema, (1 + self.step) / (10 + self.step))
        for name, value in self.model.state_dict().items():
            self.average[name].lerp_(value, 1 - keep)

    def run(self, report: Report = print, board=None, stop: Callable[[], bool] = lambda: False) -> None:
        """Train to the end of the recipe, until patience ends or until `stop` says so; the state is kept at the end.

        board: a TensorBoard SummaryWriter, or None.
        """
        self.report, recipe = report, self.recipe
        began, first, seen = time.monotonic(), self.step, []
        while self.step < recipe.steps and not stop():
            seen.append(self.train_step())
            last = self.step == recipe.steps
            if self.step % REPORT_EVERY == 0 or last:
                self._tell(seen, (self.step - first) / (time.monotonic() - began), board)
                seen = []
            judged = self.step % recipe.dev_every == 0 or last
            if judged:
                self._judge(board)
            if judged or self.step % recipe.checkpoint_every == 0:
                self.save()
            if judged and recipe.patience and self.step - self.best_step > recipe.patience:
                report(f"no better for {recipe.patience} steps: stopping")
                break
        self.save()

    def _tell(self, seen: list[dict[str, float]], pace: float, board) -> None:
        mean = {k: sum(r[k] for r in seen) / len(seen) for k in seen[0]}
        left = (self.recipe.steps - self.step) / pace / 60
        values = " ".join(f"{k} {v:.4f}" for k, v in mean.items())
        self.report(f"step {self.step} {pace:.2f}/s {left:.0f} min left {values}")
        for name, value in (mean if board else {}).items():
            board.add_scalar(f"train/{name}", value, self.step)

    def _judge(self, board) -> None:
        """Score the averaged weights and keep them if they are the best; without development places the latest are."""
        with averaged(self.model, self.average):
            score = judge(self.model, self.dev, self.recipe.rate_constant) if self.dev else None
            picture = side_by_side(self.model, self.dev[0]) if self.dev and board else None
        if score is None or score.value < self.best:
            self.best, self.best_step = (math.inf if score is None else score.value), self.step
            write_tensors(self.folder / BEST, self.average, self.step)
        self.report(f"dev at {self.step}: {score or 'no places'}; best {self.best:.5f} at {self.best_step}")
        if score is not None and board:
            _draw(board, score, picture, self.step)


def _laid_as(parameter: torch.Tensor, moment: torch.Tensor) -> torch.Tensor:
    """A moment in its parameter's memory order, which the fused optimiser takes for granted; a step count as it is."""
    if moment.dim() == 0:
        return moment.to(parameter.device)
    return torch.empty_like(parameter, requires_grad=False).copy_(moment)


def _draw(board, score: Score, picture: torch.Tensor, step: int) -> None:
    board.add_scalar("dev/score", score.value, step)
    for index, (bpp, rmse) in score.by_step.items():
        board.add_scalar(f"dev/bpp_s{index}", bpp, step)
        board.add_scalar(f"dev/rmse_db_s{index}", rmse, step)
    board.add_image("dev/original_and_decoded", picture, step)
    board.flush()
