"""Freeze a trained network into a published model: hyper analysis, integer prior, tables counted on training images, card.

In: a run's folder and the training images; out: a model's folder, whole, whose digest and known answer are in its card.
"""

import io
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
from safetensors import SafetensorError
from safetensors.torch import load_file

from sarcodec.entropy.prior import Prior
from sarcodec.entropy.prior_arrays import prior_from_arrays
from sarcodec.entropy.step_index import step_db
from sarcodec.errors import InvalidArgument
from sarcodec.models.published import CARD, FILES, digest_of, known_answer
from sarcodec.storage.folder import OutputFolder
from sarcodec_lab.networks.dct_codec import DctCodec
from sarcodec_lab.networks.entropy_model import HyperAnalysis
from sarcodec_lab.train.checkpoint import BEST, STATE
from sarcodec_lab.train.counting import (
    count_symbols,
    expected_errors,
    fitted_centroids,
    gaussian_centroids,
    table_shapes,
    tables_from_counts,
)
from sarcodec_lab.train.integers import prior_arrays
from sarcodec_lab.train.patches import Image, PatchSource
from sarcodec_lab.train.recipe import Recipe, check_file_name, recipe_of

FITTING_BATCHES = (15, 25, 40, 100)
DESCRIPTION = (
    "lapped 32x32 DCT, integer hyperprior and checkerboard context, a second band that leans on the first; all rates"
)
MADE_UP = {"native": "real images under simulated speckle", "simulated": "simulated scenes"}


def packed_arrays(arrays: dict[str, np.ndarray]) -> bytes:
    out = io.BytesIO()
    np.savez_compressed(out, **arrays)
    return out.getvalue()


def hyper_arrays(module: HyperAnalysis) -> dict[str, np.ndarray]:
    """The hyper analysis as `sarcodec.models.hyper_analysis` takes it: weights in float16, biases in float32."""
    first, _, residual, last = module.layers
    layers = {"first": first, "inner": residual.first, "outer": residual.second, "last": last}
    arrays = {}
    for name, layer in layers.items():
        weight = layer.weight.detach().numpy().astype(np.float16)
        arrays[f"{name}.weight"] = weight[:, :, 0, 0] if name == "first" else weight
        arrays[f"{name}.bias"] = layer.bias.detach().numpy().astype(np.float32)
    return arrays


def load_network(run: Path) -> tuple[DctCodec, Recipe, dict]:
    """A run's averaged weights of its best moment (on the CPU), its recipe and its state. Raises InvalidArgument."""
    run = Path(run)
    if not (run / BEST).exists() or not (run / STATE).exists():
        raise InvalidArgument(
            f"{run} holds no {BEST} and {STATE}; train first, at least to the first judging: sarcodec train"
        )
    model = DctCodec()
    try:
        state = json.loads((run / STATE).read_text())
        recipe = recipe_of(state["recipe"])
        model.load_state_dict(load_file(run / BEST))
    except (OSError, ValueError, KeyError, RuntimeError, SafetensorError) as error:
        raise InvalidArgument(f"the run in {run} cannot be read ({error}); train it again with this version") from error
    return model.eval(), recipe, state


def narrow(arrays: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The same whole numbers in the smallest integer type."""
    types = (np.uint8, np.int8, np.int16, np.int32)

    def smallest(a: np.ndarray) -> type:
        return next(t for t in types if np.iinfo(t).min <= a.min() and a.max() <= np.iinfo(t).max)

    return {k: a.astype(smallest(a)) for k, a in arrays.items()}


def freeze_network(
    model: DctCodec, recipe: Recipe, images: list[Image], report: Callable[[str], None] = print
) -> tuple[dict[str, bytes], Prior]:
    """Contents of a model's files, and its prior."""
    shapes, start = table_shapes(model), gaussian_centroids()
    source = PatchSource([i for i in images if i.group not in recipe.dev_groups], recipe)
    arrays = narrow(prior_arrays(model) | {"centroids": start})
    tables = None
    for batches in FITTING_BATCHES:  # symbols depend on tables and centroids, and these on symbols: a few rounds settle
        tally = count_symbols(model, prior_from_arrays(arrays), source, shapes, batches, tables)
        arrays["centroids"] = fitted_centroids(tally, start)
        arrays |= narrow({"errors": expected_errors(tally, arrays["centroids"])})
        tables = tables_from_counts(tally.counts, shapes)
        report(f"tables and centroids fitted to {batches} batches")
    prior = prior_from_arrays(arrays)
    contents = {
        "hyper_analysis.npz": packed_arrays(hyper_arrays(model.hyper_analysis)),
        "prior.npz": packed_arrays(arrays),
        "tables.bin": tables.pack(),
        "transform.npz": packed_arrays({"rotation": model.transform.rotation.numpy()}),
    }
    return contents, prior


def write_model(output: OutputFolder, contents: dict[str, bytes], card: dict) -> None:
    """Write a model's files, and put them in the place of an older one."""
    for name, data in (contents | {CARD: json.dumps(card, indent=1).encode() + b"\n"}).items():
        output.write(name, data)
    output.publish()


def freeze(
    run: Path,
    model_id: str,
    images: list[Image],
    out: Path,
    report: Callable[[str], None] = print,
    overwrite: bool = False,
) -> Path:
    """Publish a run's best weights as the folder OUT/model_id, which is returned.

    Raises InvalidArgument, OutputExists (a model is there and `overwrite` is not set).
    """
    check_file_name("the model's id", model_id)
    folder = Path(out) / model_id
    with OutputFolder(folder, (*FILES, CARD), overwrite=overwrite, inputs=[run]) as output:
        return _freeze(Path(run), model_id, images, output, report)


def _freeze(run: Path, model_id: str, images: list[Image], output: OutputFolder, report: Callable[[str], None]) -> Path:
    model, recipe, state = load_network(Path(run))
    contents, prior = freeze_network(model, recipe, images, report)
    card = {
        "id": model_id,
        "digest": digest_of(contents).hex(),
        "known_answer": known_answer(prior),
        "description": DESCRIPTION,
        "licence": "Apache-2.0",
        "recipe": recipe.name,
        "training_steps": state["best_step"],
        "step_db": [step_db(0), step_db(639)],
        "trained_on": trained_on(recipe),
    }
    write_model(output, contents, card)
    report(f"published {model_id} in {output.path}: {sum(map(len, contents.values())) / 1e6:.1f} MB")
    return output.path


def trained_on(recipe: Recipe) -> str:
    """What the card says of the training images; modified Copernicus data must be named as such."""
    if recipe.weighted == {"simulated"}:
        return "simulated scenes alone"
    made_up = sorted(MADE_UP[family] for family in recipe.weighted & MADE_UP.keys())
    real = "Sentinel-1 images of public collections (contains modified Copernicus Sentinel data)"
    return "; ".join([real, *made_up, "no image of the validation places"])
