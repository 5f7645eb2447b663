"""Where and in which precision a network is trained: CPU or CUDA, convolutions in bfloat16, the rest in float32."""

from collections.abc import Callable

import torch

from sarcodec.errors import InvalidArgument
from sarcodec_lab.networks.dct_codec import DctCodec

_LEAST_CHANNELS_LAST = 8


def chosen_device(wish: str) -> torch.device:
    """'auto' is CUDA where there is one. Raises InvalidArgument when CUDA is asked for and not there."""
    there = torch.cuda.is_available()
    if wish == "cuda" and not there:
        raise InvalidArgument(
            "device is 'cuda', but torch finds no CUDA device here; use 'auto' or 'cpu', or a torch with CUDA"
        )
    return torch.device("cuda" if there and wish in ("auto", "cuda") else "cpu")


def memory_layout(base_width: int) -> torch.memory_format:
    """How maps of a network that is trained lie in memory: channels last, which is faster, unless its first maps have fewer than 8 channels.

    The backward pass of torch 2.13 (oneDNN, float32) writes beyond its arrays where channels-last maps have 4 channels, on processors with AVX2 and
    without AVX-512: such a run crashes or hangs.
    """
    return torch.channels_last if base_width >= _LEAST_CHANNELS_LAST else torch.contiguous_format


def mixed_precision(device: torch.device) -> torch.autocast:
    """The context of a forward pass: bfloat16 where it does no harm."""
    return torch.autocast(device.type, dtype=torch.bfloat16)


def compiled(model: DctCodec, report: Callable[[str], None]) -> Callable:
    """The model, compiled on its first call; as it is, with a line, where that fails (no C++ compiler, say)."""
    fast, fallen_back = torch.compile(model, dynamic=False), False

    def call(*inputs: torch.Tensor):
        nonlocal fallen_back
        if not fallen_back:
            try:
                return fast(*inputs)
            except RuntimeError as error:  # torch's own compile errors are of this kind
                fallen_back = True
                report(f"torch.compile does not work here, going on without: {str(error).strip().splitlines()[0]}")
        return model(*inputs)

    return call
