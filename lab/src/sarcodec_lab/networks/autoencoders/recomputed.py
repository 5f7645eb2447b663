"""Training in less memory: what lies inside a module is thrown away and computed again for the gradient (Chen et al.,
arXiv:1604.06174). A third more arithmetic; gradients and running statistics stay what they were.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext

import torch
from torch import nn
from torch.utils.checkpoint import checkpoint


def recomputed(module: nn.Module, function: Callable[[torch.Tensor], torch.Tensor], x: torch.Tensor) -> torch.Tensor:
    """function(x), a part of the module's forward pass without random numbers, with nothing between kept."""

    def contexts():
        return nullcontext(), _statistics_at_rest(module)

    return checkpoint(function, x, use_reentrant=False, preserve_rng_state=False, context_fn=contexts)


@contextmanager
def _statistics_at_rest(module: nn.Module) -> Iterator[None]:
    """Inside, BN normalises by the batch and does not count it: the first pass has done so."""
    norms = [m for m in module.modules() if isinstance(m, nn.BatchNorm2d)]
    kept = [(norm.momentum, norm.num_batches_tracked) for norm in norms]
    for norm in norms:
        norm.momentum, norm.num_batches_tracked = 0.0, None
    try:
        yield
    finally:
        for norm, (momentum, count) in zip(norms, kept):
            norm.momentum, norm.num_batches_tracked = momentum, count
