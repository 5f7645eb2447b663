"""What a decoder of learned bands keeps of a tile, for its pixels and for its neighbours'. Knows no file."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sarcodec.entropy.prior import TileLatents
from sarcodec.format.targets import TargetLayer
from sarcodec.signal.lapped import Cells

if TYPE_CHECKING:
    from sarcodec.arrays import Floats

EMPTY_BYTES = 3 * 4096
"""Of a kept tile beside its latents and noise: the channels' units, lost variances, objects, its place in the index."""


@dataclass(frozen=True, eq=False)
class Decoded:
    """A decoded tile: latents, the same as the transform takes them, its targets, lost variances by cell (rows, cols) in dB^2, noise in dB; None: not asked for."""

    latents: TileLatents
    cells: Cells
    targets: TargetLayer
    lost: Floats | None
    noise: Cells | None

    @property
    def nbytes(self) -> int:
        """Of its arrays."""
        noise = 0 if self.noise is None else self.noise.values.nbytes
        return self.latents.values.nbytes + (0 if self.lost is None else self.lost.nbytes) + noise


@dataclass(frozen=True, eq=False)
class ReadTile:
    """What is kept of a tile, so that its payloads are read once: itself decoded, None where nothing is coded; its sections of mask and power, None where it has none."""

    decoded: Decoded | None
    mask: bytes | None
    power: bytes | None

    @property
    def nbytes(self) -> int:
        """Of all that is kept."""
        sections = len(self.mask or b"") + len(self.power or b"")
        return EMPTY_BYTES + sections + (self.decoded.nbytes if self.decoded else 0)


def size_of(tile: ReadTile) -> int:
    """Bytes that it takes while it is kept."""
    return tile.nbytes
