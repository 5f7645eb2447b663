"""A study model without torch: the lowest frequencies of an orthonormal 16 x 16 cosine transform of each cell."""

import hashlib
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from types import ModuleType

import numpy as np
import pytest

from sarcodec_lab.networks.levels import CENTRED, Scale

SIDE = 16


def basis() -> np.ndarray:
    """(16, 16): frequency, pixel."""
    angles = np.pi * np.outer(np.arange(SIDE), np.arange(SIDE) + 0.5) / SIDE
    return np.cos(angles) * np.sqrt(np.where(np.arange(SIDE) == 0, 1, 2) / SIDE)[:, None]


@dataclass(frozen=True)
class FakeModel:
    """As `networks.autoencoders.published` describes one; the tile only changes how scenes are cut."""

    latent_channels: int = 16
    tile_px: int | None = None
    scale: Scale = CENTRED
    id: str = "fake-dct"
    step: float = 0.05
    digest: bytes = field(default_factory=lambda: hashlib.sha256(b"fake").digest())
    kmac_per_px: float = 0.1

    @property
    def card(self) -> dict:
        return {"steps": [self.step] * self.latent_channels}

    def _maps(self) -> np.ndarray:
        order = sorted(np.ndindex(SIDE, SIDE), key=lambda place: (sum(place), place))[: self.latent_channels]
        return np.stack([np.outer(basis()[i], basis()[j]) for i, j in order]).astype(np.float32)

    def analyse(self, units: np.ndarray) -> np.ndarray:
        assert units.dtype == np.float32 and units.ndim == 4 and units.shape[1] == 1
        count, _, rows, cols = units.shape
        cells = units.reshape(count, rows // SIDE, SIDE, cols // SIDE, SIDE)
        return np.einsum("nrycx,kyx->nkrc", cells, self._maps(), dtype=np.float32)

    def synthesise(self, latents: np.ndarray) -> np.ndarray:
        assert latents.dtype == np.float32 and latents.ndim == 4
        count, _, rows, cols = latents.shape
        cells = np.einsum("nkrc,kyx->nrycx", latents, self._maps(), dtype=np.float32)
        return cells.reshape(count, 1, rows * SIDE, cols * SIDE)


def published_as(monkeypatch: pytest.MonkeyPatch, load: Callable) -> None:
    """`load` in place of that of `networks.autoencoders.published`. The package goes with the module: it imports torch."""
    package, module = (ModuleType(f"sarcodec_lab.networks.autoencoders{end}") for end in ("", ".published"))
    module.load, package.published = load, module
    for stand_in in (package, module):
        monkeypatch.setitem(sys.modules, stand_in.__name__, stand_in)
