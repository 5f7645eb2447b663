"""All that is judged of one band besides its errors: bias by brightness, ratio image, edges, similarity, histograms.

In go windows of levels in dB, a mask and a guide; out comes one frozen record. Errors and looks are `fidelity.metrics`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sarcodec.quality.brightness import BrightnessBias, BrightnessBin
from sarcodec.quality.edges import EdgePreservation
from sarcodec.quality.histograms import HistogramDistances, HistogramPair
from sarcodec.quality.ratio import RatioStatistics, RatioSummary
from sarcodec.quality.similarity import Similarity, SimilarityAccumulator

if TYPE_CHECKING:
    from sarcodec.arrays import Bools, Floats


@dataclass(frozen=True)
class TextureSummary:
    """`brightness` is empty without a guide; `edge_preservation` then counts every place. None: the band is too
    small."""

    brightness: tuple[BrightnessBin, ...]
    edge_preservation: float | None
    ratio: RatioSummary | None
    similarity: Similarity
    histograms: HistogramDistances | None


class TextureAccumulator:
    """Adds up a band, window by window; the guide is another image of the same place, or None for every window.

    Figures of neighbourhoods count those inside one window only, so that they depend a little on how a scene is cut.
    """

    def __init__(self) -> None:
        self.histograms = HistogramPair()
        self._brightness, self._edges = BrightnessBias(), EdgePreservation()
        self._ratio, self._similarity = RatioStatistics(), SimilarityAccumulator()

    def add(self, original_db: Floats, decoded_db: Floats, valid: Bools, guide_db: Floats | None = None) -> None:
        """One window: levels in dB (rows, cols), mask, the guide's level (NaN where it has none)."""
        if guide_db is not None:
            self._brightness.add(original_db, decoded_db, valid, guide_db)
        self._edges.add(original_db, decoded_db, valid, guide_db)
        self._ratio.add(original_db, decoded_db, valid, guide_db)
        self._similarity.add(original_db, decoded_db, valid)
        self.histograms.add(original_db, decoded_db, valid)

    def summary(self) -> TextureSummary:
        """The figures of everything added so far."""
        return TextureSummary(
            self._brightness.bins(),
            self._edges.index(),
            self._ratio.summary(),
            self._similarity.summary(),
            self.histograms.distances(),
        )
