"""A published network of the study: a folder of weights and a card. In: a network, or a folder; out: the other.

weights.safetensors holds each tensor as float16, or as int8 with a float32 scale for each output channel (NAME.scale);
running statistics of BN and all small tensors are float32. The digest is SHA-256 over that file and what the card says
of the network. Nothing is pickled.
"""

import hashlib
import json
from dataclasses import asdict, dataclass, field
from functools import cached_property
from pathlib import Path

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save
from torch import nn

from sarcodec.errors import InvalidArgument, ModelError, OutputExists, UnknownModel
from sarcodec.storage import Output
from sarcodec_lab.networks.autoencoders.family import Autoencoder, Shape, parameter_count
from sarcodec_lab.networks.levels import Scale, scale_of

CARD, WEIGHTS = "card.json", "weights.safetensors"
PRECISIONS = ("int8", "float16", "float32")
TILE_PX = 256
SMALL = (
    4096  # tensors of fewer numbers are kept in float32: they weigh nothing, and running variances may not be rounded
)
_BATCH = 4
_SCALE = ".scale"
_KEYS = {"id", "digest", "shape", "range", "steps", "batches", "description"}


@dataclass(frozen=True, eq=False)
class StudyModel:
    """id and digest (32 bytes) name it; card: what was published with it; network: in evaluation mode, float32."""

    id: str
    digest: bytes
    card: dict
    network: Autoencoder = field(repr=False)

    @property
    def latent_channels(self) -> int:
        return self.network.shape.latent_channels

    @property
    def tile_px(self) -> int | None:
        """Side of the tiles that the network is bound to; None: it may run on any multiple of 16."""
        return TILE_PX if self.network.shape.tile_bound or self.card.get("tile_bound") else None

    @property
    def scale(self) -> Scale:
        """Levels in dB to what the network sees."""
        return scale_of(self.card["range"])

    def analyse(self, unit: np.ndarray) -> np.ndarray:
        """(n, 1, h, w) in unit scale -> latents (n, C, h / 16, w / 16), float32."""
        return self._run(self.network.encoder, unit)

    def synthesise(self, latents: np.ndarray) -> np.ndarray:
        """Latents (n, C, h, w) -> (n, 1, 16 h, 16 w) in unit scale, float32."""
        return self._run(self.network.decoder, latents)

    @staticmethod
    @torch.inference_mode()
    def _run(part: nn.Module, batch: np.ndarray) -> np.ndarray:
        pieces = torch.from_numpy(np.ascontiguousarray(batch, np.float32)).split(_BATCH)
        return np.concatenate([part(p.contiguous(memory_format=torch.channels_last)).numpy() for p in pieces])

    @cached_property
    def kmac_per_px(self) -> dict[str, float]:
        """Thousands of multiplications a pixel of a tile, in 'encoder' and 'decoder': convolutions alone, as is the custom."""
        x = torch.zeros(1, 1, TILE_PX, TILE_PX)
        counts = {}
        for name in ("encoder", "decoder"):
            x, counts[name] = counted(getattr(self.network, name), x)
        return counts


@torch.inference_mode()
def counted(part: nn.Module, x: torch.Tensor) -> tuple[torch.Tensor, float]:
    """What a part of a network makes of x, and its thousands of multiplications a pixel of a tile."""
    total = 0

    def count(layer: nn.Module, inputs: tuple, output: torch.Tensor) -> None:
        nonlocal total
        # Each weight is used once at every place of the output, or, transposed, of the input.
        places = inputs[0] if isinstance(layer, nn.ConvTranspose2d) else output
        total += layer.weight.numel() * places.shape[-2] * places.shape[-1]

    layers = [m for m in part.modules() if isinstance(m, (nn.Conv2d, nn.ConvTranspose2d))]
    hooks = [layer.register_forward_hook(count) for layer in layers]
    try:
        out = part(x)
    finally:
        for hook in hooks:
            hook.remove()
    return out, total / TILE_PX**2 / 1000


def publish(network: Autoencoder, card: dict, out: Path, precision: str, overwrite: bool = False) -> Path:
    """Write OUT/ID. card: everything but digest, shape, parameters, precision. Returns the folder.

    Raises InvalidArgument (precision), OutputExists.
    """
    if precision not in PRECISIONS:
        raise InvalidArgument(f"precision is {precision!r}, expected one of {', '.join(PRECISIONS)}")
    folder = Path(out) / card["id"]
    if (folder / CARD).exists() and not overwrite:
        raise OutputExists(f"{folder} holds a model; give it another id, or --overwrite")
    folder.mkdir(parents=True, exist_ok=True)
    weights = save(packed(network.state_dict(), precision))
    parameters = {n: parameter_count(getattr(network, n)) for n in ("encoder", "decoder")}
    card = card | {
        "shape": asdict(network.shape),
        "parameters": sum(parameters.values()),
        "parameters_of": parameters,
        "precision": precision,
        "bytes": len(weights),
    }
    card["digest"] = digest_of(weights, card).hex()
    # A cut between the two leaves a folder whose digest does not fit, which `load` refuses.
    for name, data in ((WEIGHTS, weights), (CARD, (json.dumps(card, indent=1) + "\n").encode())):
        with Output(folder / name, overwrite=True) as output:
            output.write(data)
    return folder


def packed(state: dict[str, torch.Tensor], precision: str) -> dict[str, torch.Tensor]:
    """Tensors as they are kept on disk."""
    kept = {}
    for name, value in state.items():
        value = value.detach().cpu().contiguous()
        if not value.is_floating_point() or value.numel() < SMALL or precision == "float32":
            kept[name] = value.clone()
        elif precision == "float16":
            kept[name] = value.half()
        else:
            scale = value.abs().amax(tuple(range(1, value.dim()))).clamp(min=1e-12) / 127
            kept[name] = (value / scale.view(-1, *[1] * (value.dim() - 1))).round().to(torch.int8)
            kept[name + _SCALE] = scale
    return kept


def unpacked(kept: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Tensors as the network wants them: float32, and BN's counters."""
    state = {}
    for name, value in kept.items():
        if name.endswith(_SCALE) and name.removesuffix(_SCALE) in kept:
            continue
        scale = kept.get(name + _SCALE)
        wide = value.float() if value.is_floating_point() or scale is not None else value
        state[name] = wide if scale is None else wide * scale.view(-1, *[1] * (value.dim() - 1))
    return state


def digest_of(weights: bytes, card: dict) -> bytes:
    """SHA-256 over the weights and what decides how latents are read and made: shape, range, steps."""
    said = json.dumps([card["shape"], card["range"], card["steps"]], sort_keys=True, default=list)
    return hashlib.sha256(said.encode() + weights).digest()


def load(name: str | Path, folders: tuple[Path, ...] = ()) -> StudyModel:
    """The model in a folder, or of that id in one of `folders`.

    Raises UnknownModel where there is none, ModelError where it is damaged.
    """
    homes = [Path(name), *(Path(folder) / str(name) for folder in folders)]
    for home in homes:
        if (home / CARD).is_file():
            return _load_folder(home)
    looked = ", ".join(map(str, homes))
    raise UnknownModel(
        f"no published study model {str(name)!r} (looked at {looked}); name a folder with {CARD} and {WEIGHTS}"
    )


def _load_folder(folder: Path) -> StudyModel:
    try:
        card = json.loads((folder / CARD).read_text())
        missing = sorted(_KEYS - set(card))
        if missing:
            raise ModelError(f"{folder / CARD} lacks {missing}; publish the model again")
        weights = (folder / WEIGHTS).read_bytes()
        shape = dict(card["shape"]) | {"reach": tuple(card["shape"]["reach"])}
        network = Autoencoder(Shape(**shape))
        digest = digest_of(weights, card)
        if digest.hex() != card["digest"]:
            raise ModelError(
                f"{folder} has digest {digest.hex()[:16]}, its card says {card['digest'][:16]}: a file of it was changed"
            )
        network.load_state_dict(unpacked(load_file(folder / WEIGHTS)))
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RuntimeError, SafetensorError) as error:
        raise ModelError(f"the study model in {folder} cannot be read ({error}); publish it again") from error
    return StudyModel(card["id"], digest, card, network.eval())
