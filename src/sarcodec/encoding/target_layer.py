"""The targets of a tile and band while it is encoded: what is taken out of its latents, and the section that brings it back.

In: what was found in the original; out: latents less the bumps, then the layer and its image. Knows no scene and no file.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from sarcodec.encoding.bump_fitting import DECIDING_PX, ENERGY_PX
from sarcodec.encoding.target_finding import Found
from sarcodec.encoding.target_fitting import Decoded, TargetFit
from sarcodec.encoding.target_worth import taken_out
from sarcodec.format.targets import TargetLayer
from sarcodec.signal.bumps import Bumps, bumps_of

if TYPE_CHECKING:
    from sarcodec.arrays import Bools, Floats

BUMP_DB = 0.5  # pixels that a bump moves by more have the power that it gives them


@dataclass(frozen=True, eq=False)
class TileTargets:
    """Targets of a tile and around it, and which of them are taken out at a step."""

    found: Found
    taken: Bools

    @classmethod
    def at(cls, found: Found, step_db: float) -> TileTargets:
        return cls(found, taken_out(found, step_db))

    def image(self, shape: tuple[int, int], corner: tuple[int, int]) -> Floats:
        """What is taken out (rows, cols) in dB, of an area whose first pixel lies at `corner` of the tile."""
        return self._drawn(self.taken, shape, corner)

    def near(self, shape: tuple[int, int]) -> Bools:
        """Pixels (rows, cols) that belong to a target of the tile."""
        out = np.zeros(shape, bool)
        for row, col in self.found.places:
            out[
                max(0, row - ENERGY_PX) : max(0, row + ENERGY_PX + 1),
                max(0, col - ENERGY_PX) : max(0, col + ENERGY_PX + 1),
            ] = True
        return out

    @staticmethod
    def ground(image: Floats) -> Bools:
        """Pixels that bumps leave alone, and so do those of all pixels beside them."""
        near = np.abs(image) >= BUMP_DB
        for axis in (0, 1):
            moved = np.moveaxis(near, axis, 0)
            grown = moved.copy()
            grown[1:] |= moved[:-1]
            grown[:-1] |= moved[1:]
            near = np.moveaxis(grown, 0, axis)
        return ~near

    def _drawn(self, which: Bools, shape: tuple[int, int], corner: tuple[int, int]) -> Floats:
        out, chosen = np.zeros(shape, np.float32), self.found.chosen(which)
        added = np.ones(len(chosen), bool)
        Bumps.of(chosen.places, added, chosen.widths, chosen.quarters, chosen.amplitudes).add_to(out, corner)
        return out

    def layer(self, original: Floats, decoded: Decoded, bits: float) -> tuple[TargetLayer, Floats]:
        """The tile's own bumps, and what a reader will add to its levels (rows, cols) in dB, the neighbours' bumps with it.

        original (-inf where it is not valid), and what it decodes to, (rows, cols) in dB relative to the band's level; bits: of the latents. Of targets that the
        tile's own pixels do not decide, what is taken out is given back as it is.
        """
        image = self._drawn(self.taken & ~self._inside(original.shape), original.shape, (0, 0))
        around = Decoded(decoded.found, decoded.levels + image, decoded.own)
        layer = self.fit(original, around, bits)
        bumps_of(layer, decoded.found).add_to(image)
        return layer, image

    def fit(self, original: Floats, decoded: Decoded, bits: float, used: frozenset[int] = frozenset()) -> TargetLayer:
        """Bumps of the targets in the tile; used: blocks that have theirs."""
        inside = self._inside(original.shape)
        return TargetFit(original, self.found.chosen(inside), self.taken[inside], decoded, used).run(bits)

    def _inside(self, shape: tuple[int, int]) -> Bools:
        found: Bools = np.all((self.found.places >= 0) & (self.found.places < np.array(shape)), axis=1)
        return found

    def undecided(self, own: Bools) -> TileTargets | None:
        """Targets of the tile that its own pixels (rows, cols) do not decide; None where there are none."""
        inside = self._inside(own.shape)
        padded = np.pad(own, DECIDING_PX, "edge")
        views = np.lib.stride_tricks.sliding_window_view(padded, (2 * DECIDING_PX + 1,) * 2)
        open_ = inside.copy()
        open_[inside] = ~views[tuple(self.found.places[inside].T)].all((1, 2))
        return TileTargets(self.found.chosen(open_), self.taken[open_]) if open_.any() else None
