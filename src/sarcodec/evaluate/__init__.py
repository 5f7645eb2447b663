"""Judges a codec by its pixels: error measures, rate-distortion curves, other codecs, pictures.

In go levels in dB and masks, out come frozen figures. Knows nothing of files of the codec, tiles or networks.
"""

from sarcodec.evaluate.curves import PeerCurves, RateDistortion, bd_rate, load_peers
from sarcodec.evaluate.metrics import ErrorAccumulator, ErrorSummary, compare_levels
from sarcodec.evaluate.picture import draw_triptych

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
