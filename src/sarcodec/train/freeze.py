"""Freeze a trained network into a published model: graphs, integer prior, tables counted on training images, card.

In: a run's folder and the training images; out: a model's folder, whole, whose digest and known answer are in its card.
"""
import io
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file

from sarcodec.bitstream import tables as entropy_tables
from sarcodec.bitstream.prior import CENTROIDS, CHANNELS, FRACTION_BITS, GROUPS, HYPER_MAX, OCTAVE_CLASSES, SCALE_LEVELS, Prior
from sarcodec.bitstream.prior_arrays import prior_from_arrays
from sarcodec.bitstream.steps import step_db
from sarcodec.errors import InvalidArgument
from sarcodec.networks.dct_codec import DctCodec, drawn_in
from sarcodec.networks.steps import interpolate, log2_step
from sarcodec.published import CARD, dct_matrix, digest_of, known_answer
from sarcodec.tile import ANALYSIS_HALO_PX, TILE_CELLS, rounded

from .graphs import analysis_graph, hyper_graph, synthesis_graph
from .integers import prior_arrays
from .patches import Image, PatchSource
from .recipe import Recipe

CENTROID_BATCHES = 20
COUNT_BATCHES = 60
PSEUDO_COUNTS = 60.0
LATENT_ROWS = len(GROUPS) * SCALE_LEVELS
REACH = 127


@dataclass(frozen=True)
class TableShape:
    """What a table row is before it is counted: the Gaussian it starts from, its raw bits and its radius; None: skipped."""

    sigma: float
    shift: int
    radius: int
    skipped: bool = False


def shape_of(sigma: float, skipped: bool = False) -> TableShape:
    """Raw low bits so that the coded part has a deviation of at most 8, and a radius of six deviations."""
    shift = max(0, int(np.ceil(np.log2(sigma))) - 3)
    return TableShape(sigma, shift, int(np.clip(np.ceil(6 * sigma / 2 ** shift) + 1, 1, REACH)), skipped)


def table_shapes(model: DctCodec) -> list[TableShape]:
    """Latent rows by group and level (level 0 skipped: below 2^-4 step), then hyper rows by channel and octave."""
    level = [shape_of(2.0 ** (-4 + (n - 0.5) / 4), skipped=n == 0) for n in range(SCALE_LEVELS)]
    middle = torch.arange(OCTAVE_CLASSES) * 64 + 32
    scales = torch.exp2(interpolate(model.z_log2_scale.detach(), middle)).clamp(0.1, 64).T.reshape(-1)
    return level * len(GROUPS) + [shape_of(max(1.0, float(s))) for s in scales]


@dataclass(frozen=True)
class Tally:
    """What was coded: counts (tables, 2 * 127 + 3) with escapes at both ends; how often and how far inside of |symbol| values lay."""

    counts: np.ndarray
    seen: np.ndarray
    inwards: np.ndarray


class _Counting:
    """A port that rounds as the encoder does and keeps the tally."""

    def __init__(self, hyper, values, tally, shifts):
        self.z, self.values, self.tally, self.shifts = hyper, values, tally, shifts

    def count(self, rows, symbols):
        place = np.clip(symbols >> self.shifts[rows], -REACH - 1, REACH + 1) + REACH + 1
        np.add.at(self.tally.counts, (rows.reshape(-1), place.reshape(-1)), 1)

    def hyper(self, rows):
        self.count(rows, self.z)
        return self.z

    def latents(self, rows, mean, cells, channels):
        residual = self.values[cells, channels] - mean / 2 ** FRACTION_BITS
        symbols = rounded(residual)
        symbols[rows % SCALE_LEVELS == 0] = 0
        self.count(rows, symbols)
        place = rows.reshape(-1), np.minimum(np.abs(symbols), CENTROIDS - 1).reshape(-1)
        np.add.at(self.tally.seen, place, 1)
        np.add.at(self.tally.inwards, place, (np.abs(symbols) - residual * np.sign(symbols)).reshape(-1))
        return symbols


@torch.no_grad()
def count_symbols(model: DctCodec, prior: Prior, source: PatchSource, shapes: list[TableShape], batches: int) -> Tally:
    """The tally of coded values on training patches."""
    tally = Tally(np.zeros((len(shapes), 2 * REACH + 3)), np.zeros((LATENT_ROWS, CENTROIDS)), np.zeros((LATENT_ROWS, CENTROIDS)))
    shifts = np.array([s.shift for s in shapes])
    deviation = model.deviation.view(1, -1, 1, 1)
    for _ in range(batches):
        x, s = source.batch()
        y = model.analysis(torch.nn.functional.pad(x, (ANALYSIS_HALO_PX,) * 4))
        plane = (log2_step(s) / 4).float().view(-1, 1, 1, 1).expand(-1, 1, *y.shape[-2:])
        z = model.hyper_analysis(y / deviation, plane).round().clamp(-HYPER_MAX, HYPER_MAX)
        for one, hyper, step in zip(y.numpy(), z.numpy(), s.tolist()):
            rows, cols = one.shape[1:]
            values = one.transpose(1, 2, 0).reshape(rows * cols, -1) / prior.steps.steps_db(step)
            symbols = hyper.transpose(1, 2, 0).reshape(-1).astype(np.int64)
            prior.walk(step, rows, cols, _Counting(symbols, values, tally, shifts))
    return tally


def gaussian_centroids() -> np.ndarray:
    """Where Gaussian symbols stand, as `networks.dct_codec.drawn_in` has it: (tables, 4) in 1/32 step."""
    level = torch.arange(LATENT_ROWS) % SCALE_LEVELS
    symbol = torch.arange(CENTROIDS).float()[None].expand(LATENT_ROWS, -1)
    inwards = symbol - drawn_in(symbol, ((level - 0.5) / 4 - 4)[:, None])
    return np.rint(inwards.numpy() * 2 ** FRACTION_BITS).astype(np.uint8)


def fitted_centroids(tally: Tally, start: np.ndarray) -> np.ndarray:
    """Mean place of what was coded, with a few pseudo-counts of the start: (tables, 4) in 1/32 step."""
    scale = 2 ** FRACTION_BITS
    mean = (tally.inwards * scale + PSEUDO_COUNTS * start) / (tally.seen + PSEUDO_COUNTS)
    mean[:, 0] = 0
    return np.clip(np.rint(mean), 0, scale).astype(np.uint8)


def tables_from_counts(counts: np.ndarray, shapes: list[TableShape]) -> entropy_tables.FrozenTables:
    """Frozen tables: counts (latents' made symmetric) plus a few pseudo-counts of the Gaussian that the level names."""
    weights = []
    for row, (count, shape) in enumerate(zip(counts, shapes)):
        if row < LATENT_ROWS and shape.shift == 0:
            count = (count + count[::-1]) / 2
        middle, radius = REACH + 1, shape.radius
        inside = count[middle - radius:middle + radius + 1]
        observed = np.append(inside, count.sum() - inside.sum())
        weights.append(observed + PSEUDO_COUNTS * entropy_tables.gaussian_weights(shape.sigma, radius, shape.shift) + 1e-3)
    return entropy_tables.from_weights(weights, np.array([s.shift for s in shapes]), np.array([s.skipped for s in shapes]))


def packed_arrays(arrays: dict[str, np.ndarray]) -> bytes:
    out = io.BytesIO()
    np.savez_compressed(out, **arrays)
    return out.getvalue()


def load_network(run: Path) -> tuple[DctCodec, Recipe, dict]:
    """The averaged weights of a run's best moment."""
    if not (run / "best.safetensors").exists():
        raise InvalidArgument(f"{run} holds no best.safetensors; train first: sarcodec train RECIPE.toml")
    state = json.loads((run / "state.json").read_text())
    recipe = Recipe(**{k: tuple(map(tuple, v)) if k == "families" else tuple(v) if isinstance(v, list) else v
                       for k, v in state["recipe"].items()})
    model = DctCodec()
    model.load_state_dict(load_file(run / "best.safetensors"))
    return model.eval(), recipe, state


def narrow(arrays: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The same whole numbers in the smallest integer type."""
    types = (np.uint8, np.int8, np.int16, np.int32)
    fits = lambda a, t: a.min() >= np.iinfo(t).min and a.max() <= np.iinfo(t).max
    return {k: a.astype(next(t for t in types if fits(a, t))) for k, a in arrays.items()}


def freeze_network(model: DctCodec, recipe: Recipe, images: list[Image], report=print) -> tuple[dict[str, bytes], Prior]:
    """Contents of a model's files, and its prior."""
    shapes, start = table_shapes(model), gaussian_centroids()
    source = PatchSource([i for i in images if i.group not in recipe.dev_groups], recipe)
    arrays = narrow(prior_arrays(model) | {"centroids": start})
    tally = count_symbols(model, prior_from_arrays(arrays), source, shapes, CENTROID_BATCHES)
    arrays["centroids"] = fitted_centroids(tally, start)
    prior = prior_from_arrays(arrays)
    report("centroids fitted, counting symbols")
    counts = count_symbols(model, prior, source, shapes, COUNT_BATCHES).counts
    analysis, synthesis = (m.linear.weight.detach().numpy().reshape(CHANNELS, CHANNELS) for m in (model.analysis, model.synthesis))
    linear = {"analysis": (analysis - dct_matrix()).astype(np.float16), "synthesis": (synthesis - dct_matrix().T).astype(np.float16)}
    contents = {"analysis.onnx": analysis_graph(model.analysis, TILE_CELLS), "hyper_analysis.onnx": hyper_graph(model.hyper_analysis),
                "synthesis.onnx": synthesis_graph(model.synthesis, TILE_CELLS), "linear.npz": packed_arrays(linear),
                "prior.npz": packed_arrays(arrays), "tables.bin": tables_from_counts(counts, shapes).pack()}
    return contents, prior


def write_model(folder: Path, model_id: str, contents: dict[str, bytes], prior: Prior, facts: dict) -> None:
    """Write a model's folder; the card comes last."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, data in contents.items():
        (folder / name).write_bytes(data)
    card = {"id": model_id, "digest": digest_of(contents).hex(), "known_answer": known_answer(prior), **facts}
    (folder / CARD).write_text(json.dumps(card, indent=1) + "\n")


def freeze(run: Path, model_id: str, images: list[Image], out: Path, report=print) -> Path:
    """Publish the best weights of a run under OUT/model_id."""
    model, recipe, state = load_network(Path(run))
    contents, prior = freeze_network(model, recipe, images, report)
    facts = {"description": "32x32 DCT start, convolutional branches, integer hyperprior and checkerboard context; all rates",
             "licence": "Apache-2.0", "recipe": recipe.name, "training_steps": state["best_step"],
             "step_db": [step_db(0), step_db(639)],
             "trained_on": "Sentinel-1 images of public collections (contains modified Copernicus Sentinel data) and simulated speckle; "
                           "no image of the validation places"}
    write_model(Path(out) / model_id, model_id, contents, prior, facts)
    report(f"published {model_id} in {Path(out) / model_id}")
    return Path(out) / model_id
