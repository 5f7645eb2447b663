"""Judges a codec by its pixels: texture and similarity, rate-distortion curves, other codecs, tasks, pictures and
pages.

In go levels in dB and masks, out come frozen figures. Knows nothing of files of the codec, tiles or networks. Errors,
looks and classes, which the codec aims at too, are in `fidelity`.
"""

from sarcodec.evaluate.curves import PeerCurves, RateDistortion, bd_rate, load_peers
from sarcodec.evaluate.picture import draw_triptych
from sarcodec.fidelity.metrics import ErrorAccumulator, ErrorSummary, compare_levels

__all__ = [
    "ErrorAccumulator",
    "ErrorSummary",
    "PeerCurves",
    "RateDistortion",
    "bd_rate",
    "compare_levels",
    "draw_triptych",
    "load_peers",
]
