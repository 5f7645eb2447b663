"""The training loop: schedule, moving average of the weights, checkpoints that a cut run resumes from, scalars."""
import json
import math
import time
from dataclasses import asdict
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file, save_file

from sarcodec.errors import InvalidArgument, SarcodecError
from sarcodec.networks.dct_codec import DctCodec

from .loss import per_sample, relative_loss
from .patches import Image, PatchSource, dev_patches
from .recipe import Recipe

DEV_STEPS = (272, 320, 368, 416, 464)


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
    total, count = 0.0, 0
    for _ in range(batches):
        x, _ = source.batch()
        y = model.analysis.linear(x - x.mean((1, 2, 3), keepdim=True))
        total, count = total + (y ** 2).mean((0, 2, 3)), count + 1
    return (total / count).sqrt()


class Trainer:
    """One run in one folder: `last.safetensors` (to resume), `best.safetensors` (averaged weights), `state.json`."""

    def __init__(self, recipe: Recipe, images: list[Image], folder: Path, resume: bool = False):
        self.recipe, self.folder = recipe, folder
        folder.mkdir(parents=True, exist_ok=True)
        torch.manual_seed(recipe.seed)
        dev = [i for i in images if i.group in recipe.dev_groups]
        self.source = PatchSource([i for i in images if i.group not in recipe.dev_groups], recipe)
        self.dev = dev_patches(dev)
        self.model = DctCodec().to(memory_format=torch.channels_last)
        self.fast = torch.compile(self.model, dynamic=False) if recipe.compile else self.model
        self.step, self.best, self.best_step = 0, math.inf, 0
        if not resume and not recipe.start_from:
            self.model.set_deviation(typical_deviation(self.model, self.source))
        if recipe.start_from and not resume:
            self.model.load_state_dict(load_file(recipe.start_from))
        self.optimiser = torch.optim.Adam(self.parameter_groups(), lr=recipe.learning_rate, fused=True)
        if resume:
            self.load()
        else:
            self.average = {k: v.detach().clone() for k, v in self.model.state_dict().items()}

    def parameter_groups(self) -> list[dict]:
        """The block transforms learn slowly: a step of Adam on a million small weights is noise on every latent."""
        slow = [p for n, p in self.model.named_parameters() if ".linear.weight" in n]
        rest = [p for n, p in self.model.named_parameters() if ".linear.weight" not in n]
        return [{"params": slow, "factor": self.recipe.linear_factor}, {"params": rest, "factor": 1.0}]

    def load(self):
        if not (self.folder / "last.safetensors").exists():
            raise InvalidArgument(f"nothing to resume in {self.folder}: last.safetensors is not there; start without --resume")
        tensors = load_file(self.folder / "last.safetensors")
        state = json.loads((self.folder / "state.json").read_text())
        pick = lambda p: {k[len(p):]: v for k, v in tensors.items() if k.startswith(p)}
        self.model.load_state_dict(pick("model."))
        self.average = pick("average.")
        self.step, self.best, self.best_step = state["step"], state["best"], state["best_step"]
        named = dict(self.model.named_parameters())
        for name, p in named.items():
            moments = pick(f"adam.{name}.")
            if moments:
                self.optimiser.state[p] = moments
        self.source.rng = np.random.default_rng([self.recipe.seed, self.step])

    def save(self):
        tensors = {f"model.{k}": v for k, v in self.model.state_dict().items()}
        tensors |= {f"average.{k}": v for k, v in self.average.items()}
        for name, p in self.model.named_parameters():
            tensors |= {f"adam.{name}.{k}": v for k, v in self.optimiser.state.get(p, {}).items()}
        self.replace("last.safetensors", tensors)
        state = {"step": self.step, "best": self.best, "best_step": self.best_step, "recipe": asdict(self.recipe)}
        beside = self.folder / "state.json.part"
        beside.write_text(json.dumps(state, indent=1))
        beside.replace(self.folder / "state.json")

    def replace(self, name: str, tensors: dict):
        beside = self.folder / (name + ".part")
        save_file({k: v.contiguous().clone() for k, v in tensors.items()}, beside)
        beside.replace(self.folder / name)

    def train_step(self) -> dict:
        x, s = self.source.batch()
        for group in self.optimiser.param_groups:
            group["lr"] = group["factor"] * learning_rate(self.recipe, self.step)
        self.model.train()
        with torch.autocast("cpu", dtype=torch.bfloat16):
            outcome = self.fast(x, s)
        rate, mse, cost = per_sample(outcome, x, s, self.recipe.rate_constant)
        loss = relative_loss(cost)
        if not torch.isfinite(loss):
            raise SarcodecError(f"loss is not finite at step {self.step}; the last good state is {self.folder}/last.safetensors")
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()
        norm = torch.nn.utils.clip_grad_norm_(self.model.parameters(), self.recipe.clip_norm)
        self.optimiser.step()
        self.step += 1
        keep = min(self.recipe.ema, (1 + self.step) / (10 + self.step))
        with torch.no_grad():
            for k, v in self.model.state_dict().items():
                self.average[k].lerp_(v, 1 - keep)
        return {"log_cost": cost.log().mean().item(), "bpp": rate.mean().item(), "mse_db2": mse.mean().item(), "norm": norm.item()}

    @torch.no_grad()
    def evaluate(self) -> dict:
        """Development score with the averaged weights: mean log cost over places and steps; lower is better."""
        kept = {k: v.clone() for k, v in self.model.state_dict().items()}
        self.model.load_state_dict(self.average)
        self.model.eval()
        rows = []
        for s in DEV_STEPS:
            for x in self.dev:
                index = torch.tensor([s])
                with torch.autocast("cpu", dtype=torch.bfloat16):
                    outcome = self.model(x, index)
                rate, mse, cost = per_sample(outcome, x, index, self.recipe.rate_constant)
                rows.append((s, rate.item(), mse.sqrt().item(), cost.log().item()))
        self.model.load_state_dict(kept)
        score = sum(r[3] for r in rows) / len(rows)
        mean = lambda s, i: sum(r[i] for r in rows if r[0] == s) / len(self.dev)
        return {"score": score, **{f"s{s}": (round(mean(s, 1), 4), round(mean(s, 2), 4)) for s in DEV_STEPS}}

    def run(self, report=print, board=None):
        began, first, seen = time.time(), self.step, []
        while self.step < self.recipe.steps:
            seen.append(self.train_step())
            if self.step % 50 == 0:
                mean = {k: sum(r[k] for r in seen) / len(seen) for k in seen[0]}
                seen, pace = [], (self.step - first) / (time.time() - began)
                left = (self.recipe.steps - self.step) / pace / 60
                report(f"step {self.step} {pace:.2f}/s {left:.0f} min left " + " ".join(f"{k} {v:.4f}" for k, v in mean.items()))
                for k, v in (mean if board else {}).items():
                    board.add_scalar(k, v, self.step)
            if self.step % self.recipe.dev_every == 0 or self.step == self.recipe.steps:
                self.judge(report, board)
                if self.recipe.patience and self.step - self.best_step > self.recipe.patience:
                    report(f"no better for {self.recipe.patience} steps: stopping")
                    break
            if self.step % self.recipe.checkpoint_every == 0:
                self.save()
        self.save()

    def judge(self, report, board):
        result = self.evaluate() if self.dev else {"score": math.inf}
        if result["score"] < self.best or not self.dev:
            self.best, self.best_step = result["score"], self.step
            self.replace("best.safetensors", self.average)
        report(f"dev at {self.step}: {result} best {self.best:.4f} at {self.best_step}")
        if board:
            board.add_scalar("dev/score", result["score"], self.step)
