"""Weights of a run put into a network with another number of latent channels, or over another range of levels. In: a network, a path;
out: the network, changed."""

import json
import math
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file

from sarcodec.errors import InvalidArgument
from sarcodec_lab.networks.autoencoders import Autoencoder, Shape
from sarcodec_lab.networks.autoencoders.family import MIDDLE
from sarcodec_lab.networks.autoencoders.published import CARD, load
from sarcodec_lab.train.autoencoders.keeping import BEST, STATE, recipe_of


def start_from(network: Autoencoder, path: str | Path) -> None:
    """Load weights (of a run, or of the folder of a published model); with fewer latent channels the first of them stay, with
    more the new ones begin unheard.

    Where they had another range, the last layer is scaled so that levels about the middle come out as they did.
    Raises InvalidArgument when the file is not one of this network's.
    """
    weights, reach = _weights_and_reach(Path(path))
    if reach is not None:
        _fit_reach(network, weights, reach)
    own = network.state_dict()
    if set(own) != set(weights):
        odd = sorted(set(own) ^ set(weights))[:3]
        raise InvalidArgument(
            f"cannot start from {path}: it and the network differ in {odd}; expected a run of {network.shape.variant}"
        )
    strange = [n for n in own if weights[n].shape != own[n].shape and not bound_to_latent(n, network.shape)]
    if strange:
        raise InvalidArgument(
            f"cannot start from {path}: {strange[:3]} have another shape; expected the same base_width"
        )
    network.load_state_dict(
        {name: grafted(value, weights[name], name.startswith("decoder.")) for name, value in own.items()}
    )


def _weights_and_reach(path: Path) -> tuple[dict[str, torch.Tensor], tuple[float, float] | None]:
    """Weights, and the values between which their network's reconstruction lies (None where nothing beside them says so)."""
    if (path / CARD).is_file():
        model = load(path)
        return model.network.state_dict(), model.network.shape.reach
    try:
        weights = load_file(path)
    except (OSError, SafetensorError) as error:
        raise InvalidArgument(
            f"cannot start from {path} ({error}); expected the {BEST} of a run or the folder of a published model"
        ) from error
    return weights, _reach_of_run(path.parent / STATE)


def _reach_of_run(state: Path) -> tuple[float, float] | None:
    if not state.exists():
        return None
    try:
        return recipe_of(json.loads(state.read_text())["recipe"]).shape.reach
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InvalidArgument(f"{state} does not say what run it is of ({error}); expected that of a run") from error


def _fit_reach(network: Autoencoder, weights: dict[str, torch.Tensor], before: tuple[float, float]) -> None:
    """Change the last layer's weights to those that give the same under the network's own sigmoid, to first order."""
    (at_before, slope_before), (at_now, slope_now) = map(_at_middle, (before, network.shape.reach))
    last = max((n for n in weights if n.startswith("decoder.") and n.endswith(".bias")), key=_place)
    factor = slope_before / slope_now
    weights[last] = (weights[last] - at_before) * factor + at_now
    weights[last.replace(".bias", ".weight")] = weights[last.replace(".bias", ".weight")] * factor


def _place(name: str) -> int:
    return int(name.split(".")[1])


def _at_middle(reach: tuple[float, float]) -> tuple[float, float]:
    """Where a sigmoid stretched to `reach` is at the middle of the levels, and how steep it is there."""
    low, high = reach
    part = (MIDDLE - low) / (high - low)
    return math.log(part / (1 - part)), (high - low) * part * (1 - part)


def grafted(own: torch.Tensor, other: torch.Tensor, reads_latent: bool) -> torch.Tensor:
    """The other tensor, of the shape of `own`: cut where it is longer, continued where it is shorter.

    What is continued leaves the trained part as it was: trained outputs do not hear of new inputs (dimension 1 of a
    weight), and a decoder (`reads_latent`) hears of nothing new. The rest begins untrained.
    """
    shared = tuple(slice(min(a, b)) for a, b in zip(own.shape, other.shape))
    out = torch.zeros_like(own) if reads_latent and own.dim() > 1 else own.clone()
    if own.dim() > 1:
        out[shared[0], other.shape[1] :] = 0
    out[shared] = other[shared]
    return out


def bound_to_latent(name: str, shape: Shape) -> bool:
    """Whether a weight's shape depends on the number of latent channels."""
    part, number = name.split(".")[:2]
    last = {"baseline": ("9",), "resnet-lite": ("10",), "residual": ("9", "10"), "attention": ("9", "10")}[
        shape.variant
    ]
    first = {"baseline": ("0", "1"), "resnet-lite": ("0",), "residual": ("1",), "attention": ("1",)}[shape.variant]
    return number in (last if part == "encoder" else first)


def freeze_all_but_latent(network: Autoencoder) -> None:
    """Leave only what touches the latent to be trained."""
    for name, parameter in network.named_parameters():
        parameter.requires_grad_(bound_to_latent(name, network.shape))
